// Makes the Twilio SDK of this page talk to the stand-in rather than to Twilio.
(() => {
  // Where this script comes from, behind a proxy too, or where the stand-in listens if a browser driver runs it.
  const gateway = new URL('signal', document.currentScript?.src || 'STANDIN_URL').href.replace(/^http/, 'ws');
  const { WebSocket, RTCPeerConnection } = globalThis;
  const signalling = /^wss:\/\/(voice-js|chunderw)[^/]*\.twilio\.com\/signal$/;

  globalThis.WebSocket = class extends WebSocket {
    constructor(url, ...rest) {
      super(signalling.test(url) ? gateway : url, ...rest);
    }
  };

  // The SDK sends its ICE candidates to nobody: Twilio's media servers need none, but another browser does.
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    async setLocalDescription(description) {
      await super.setLocalDescription(description);
      while (this.iceGatheringState !== 'complete' && this.signalingState !== 'closed') {
        await new Promise((resolve) => this.addEventListener('icegatheringstatechange', resolve, { once: true }));
      }
    }

    // The SDK sends digits as tones in the audio, which only Twilio would hear. Where it finds no way to, it tells the
    // server of them.
    getSenders() {
      return super.getSenders().map((sender) => Object.defineProperty(sender, 'dtmf', { value: null, configurable: true }));
    }

    get createDTMFSender() { // Chromium's older way
      return undefined;
    }
  };
})();
