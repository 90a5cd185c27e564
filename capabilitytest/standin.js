// Makes the Twilio SDK of this page talk to the stand-in rather than to Twilio.
(() => {
  // Where this script comes from, behind a proxy too, or where the stand-in listens if a browser driver runs it.
  const standin = document.currentScript?.src || 'STANDIN_URL/';
  const local = (path) => new URL(path, standin).href;
  const { Audio, WebSocket, XMLHttpRequest, fetch } = globalThis;

  const signalling = /^wss:\/\/((?:voice-js|chunderw)[^/]*\.twilio\.com)\/signal$/;
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, ...rest) {
      const host = signalling.exec(url)?.[1];
      super(host ? local(`signal?host=${host}`).replace(/^http/, 'ws') : url, ...rest);
    }
  };

  // What the SDK reports of calls, with the token in a header, is for nobody: it is answered here.
  const insights = /^https:\/\/eventgw[^/]*\.twilio\.com\//;
  globalThis.fetch = function (resource, ...rest) {
    const url = resource instanceof Request ? resource.url : String(resource);
    return insights.test(url) ? Promise.resolve(new Response('{}')) : fetch.call(this, resource, ...rest);
  };

  const sounds = /^https:\/\/(?:sdk|media)\.twilio(?:cdn)?\.com\/.*\/([a-z0-9-]+)\.mp3/;
  const sound = (url) => {
    const name = sounds.exec(url)?.[1];
    return name ? local(`sounds/${name}`) : url;
  };
  globalThis.Audio = class extends Audio {
    constructor(...url) {
      super(...url.map(sound));
    }
  };
  globalThis.XMLHttpRequest = class extends XMLHttpRequest {
    open(method, url, ...rest) {
      return insights.test(url) ? super.open('GET', 'data:application/json,{}', ...rest) : super.open(method, sound(url), ...rest);
    }
  };
})();
