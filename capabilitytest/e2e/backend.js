// A backend as Twilio's quickstarts have it, with Twilio's library: it mints tokens, and says what to do with a call.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import twilio from 'twilio';

const sdks = process.env.SDKS ?? 'node_modules';
const paths = { 1: `${sdks}/twilio-client/dist/twilio.min.js`, 2: `${sdks}/@twilio/voice-sdk/dist/twilio.min.js` };

// startBackend serves /1 and /2, a page for each SDK, /token and /voice, which answers what twiml returns, if a test has set
// that, and a test's other documents and files. The stand-in's variables come later, since it has to know the URL of /voice.
export async function startBackend() {
  const backend = { env: {}, ttl: 3600, voiceRequests: [], documents: {}, files: {}, twiml: null };
  const server = createServer((request, response) => {
    answer(backend, request).then(({ status = 200, type = 'text/plain', body }) => {
      response.writeHead(status, { 'Content-Type': type }).end(body);
    }, (error) => response.writeHead(500).end(error.stack));
  });
  const hanging = []; // sockets that are never answered, as in a network that is down
  server.on('upgrade', (_, socket) => { hanging.push(socket); socket.on('error', () => {}); });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  backend.url = `http://127.0.0.1:${server.address().port}`;
  backend.close = () => {
    hanging.forEach((socket) => socket.destroy());
    server.closeAllConnections();
    server.close();
  };
  return backend;
}

async function answer(backend, request) {
  const { pathname, searchParams } = new URL(request.url, backend.url);
  switch (pathname) {
    case '/1':
    case '/2':
      return { type: 'text/html', body: page(pathname.slice(1), backend.env.STANDIN_URL) };
    case '/sdk/1':
    case '/sdk/2':
      return { type: 'text/javascript', body: await readFile(paths[pathname.at(-1)]) };
    case '/phone.js':
      return { type: 'text/javascript', body: await readFile('phone.js') };
    case '/token':
      return { body: mint[searchParams.get('kind')](backend, searchParams.get('identity')) };
    case '/voice':
      return voice(backend, request);
  }
  if (backend.documents[pathname]) {
    return voice(backend, request, backend.documents[pathname]);
  }
  return backend.files[pathname] ?? { status: 404, body: 'not found' };
}

// The tag of the stand-in is all that tells this page from one in production.
const page = (version, standin) => `<!doctype html>
<title>Quickstart</title>
<link rel="icon" href="data:,">
<script src="${standin}/standin.js"></script>
<script src="/sdk/${version}"></script>
<script src="/phone.js"></script>`;

const mint = {
  access({ env, ttl }, identity) {
    const token = new twilio.jwt.AccessToken(env.TWILIO_ACCOUNT_SID, env.TWILIO_API_KEY, env.TWILIO_API_SECRET, { identity, ttl });
    token.addGrant(new twilio.jwt.AccessToken.VoiceGrant({ outgoingApplicationSid: env.TWILIO_TWIML_APP_SID, incomingAllow: true }));
    return token.toJwt();
  },
  capability({ env, ttl }, identity) {
    const { ClientCapability } = twilio.jwt;
    const token = new ClientCapability({ accountSid: env.TWILIO_ACCOUNT_SID, authToken: env.TWILIO_AUTH_TOKEN, ttl });
    token.addScope(new ClientCapability.OutgoingClientScope({ applicationSid: env.TWILIO_TWIML_APP_SID, clientName: identity }));
    token.addScope(new ClientCapability.IncomingClientScope(identity));
    return token.toJwt();
  },
};

async function voice(backend, request, twiml = backend.twiml) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
  const signature = request.headers['x-twilio-signature'];
  if (!twilio.validateRequest(backend.env.TWILIO_AUTH_TOKEN, signature, backend.url + request.url, form)) {
    return { status: 403, body: 'not signed by Twilio' };
  }
  backend.voiceRequests.push(form);
  if (twiml) {
    return { type: 'text/xml', body: (await twiml(form)).toString() };
  }
  const response = new twilio.twiml.VoiceResponse();
  const client = response.dial({ answerOnBridge: true, timeout: 20 }).client();
  client.identity(form.To);
  client.parameter({ name: 'topic', value: form.topic ?? 'none' });
  return { type: 'text/xml', body: response.toString() };
}
