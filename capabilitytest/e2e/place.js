// The stand-in, a backend and pages for the tests.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import twilio from 'twilio';
import { startBackend } from './backend.js';
import { newClient } from './libraries/client.js';

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--allow-loopback-in-peer-connection',
      '--autoplay-policy=no-user-gesture-required',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
});
after(() => browser.close());

export const ways = [1, 2].flatMap((sdk) => ['capability', 'access'].map((kind) => ({ sdk, kind })));

// Standin is the program under test, until it is stopped.
class Standin {
  static async start(args, env = {}) {
    const standin = new Standin();
    standin.events = '';
    standin.output = '';
    standin.program = spawn('bin/standin', args, { env: { GORACE: 'atexit_sleep_ms=0', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    standin.program.stderr.on('data', (data) => { standin.events += data; });
    standin.exited = new Promise((resolve) => { standin.program.on('exit', (code, signal) => resolve(code ?? signal)); });
    const listening = new Promise((resolve) => {
      standin.program.stdout.on('data', (data) => {
        standin.output += data;
        if (standin.output.match(/\n/g)?.length === 6) {
          resolve();
        }
      });
    });
    await Promise.race([listening, standin.exited.then(() => assert.fail(standin.events))]);
    standin.env = Object.fromEntries(standin.output.trim().split('\n').map((line) => line.split(/=(.*)/, 2)));
    return standin;
  }

  // says waits until an event is logged.
  async says(pattern) {
    await eventually(() => pattern.test(this.events), () => `no ${pattern} in ${this.events}`);
  }

  async stop(signal = 'SIGINT') {
    this.program.kill(signal);
    return this.exited;
  }
}

// eventually waits until a condition holds.
async function eventually(condition, complaint) {
  for (let tries = 0; !await condition(); tries++) {
    assert.ok(tries < 400, complaint());
    await sleep(50);
  }
}

// What the SDKs, and Chromium, write to a page's console when a call or a token is refused, and when a connection is lost.
export const refused = /Received an error from the gateway|\[Device\] Received error/;
export const lost = /transportClose|websocket close event|WebSocket received error|net::ERR_(CONNECTION|INCOMPLETE|SOCKET)/;

// setUp starts a backend and the stand-in, until the test ends. Until then, no page may have an error in its console that the
// test does not expect, and none may ever make a request that would leave the machine.
export async function setUp(t, { args = [], ttl = 3600, voice = true, expected = [] } = {}) {
  const backend = await startBackend();
  const start = (addr, env) => Standin.start(['-addr', addr, ...(voice ? ['-voice', `${backend.url}/voice`] : []), ...args], env);
  const place = { backend, standin: await start('127.0.0.1:0'), opened: [], errors: [], leaving: [] };
  backend.env = place.standin.env;
  backend.ttl = ttl;
  place.restart = async () => { place.standin = await start(new URL(backend.env.STANDIN_URL).host, backend.env); };
  place.open = (identity, way, event) => open(place, identity, way, event);
  place.console = (options) => openConsole(place, options);
  place.eventually = (condition) => eventually(condition, () => place.standin.events);
  t.after(async () => {
    const unexpected = place.errors.filter((error) => !expected.some((pattern) => pattern.test(error)));
    await Promise.all(place.opened.map((one) => one.close()));
    const status = await place.standin.stop();
    backend.close();
    assert.equal(status, 0, place.standin.events);
    assert.deepEqual([...unexpected, ...place.leaving], []);
    for (const secret of [backend.env.TWILIO_AUTH_TOKEN, backend.env.TWILIO_API_SECRET, 'eyJ']) {
      assert.ok(!place.standin.events.includes(secret));
    }
  });
  return place;
}

export const response = () => new twilio.twiml.VoiceResponse();
export const office = '+15550100000';

// callCentre is a backend with a number, and a client of the REST API.
export async function callCentre(t) {
  const place = await setUp(t, { args: ['-number', `${office}=http://127.0.0.1:9/voice`] });
  place.client = newClient(place.standin.env);
  return place;
}

// newPage opens an empty page.
async function newPage({ opened, errors, leaving }, options) {
  const context = await browser.newContext(options);
  opened.push(context);
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(error.stack));
  page.on('console', (message) => { if (message.type() === 'error') { errors.push(message.text()); } });
  page.on('request', (request) => { if (!/^(data:|[a-z]+:\/\/127\.0\.0\.1[:/])/.test(request.url())) { leaving.push(request.url()); } });
  page.on('websocket', (socket) => { if (!/^ws:\/\/127\.0\.0\.1:/.test(socket.url())) { leaving.push(socket.url()); } });
  return page;
}

// open opens a page, on which a client is registered unless its token is refused.
async function open(place, identity, { sdk, kind }, event = 'registered') {
  const page = await newPage(place, { permissions: ['microphone'] });
  await page.addInitScript(watch);
  await page.goto(`${place.backend.url}/${sdk}?identity=${identity}&kind=${kind}`);
  const phone = {
    page,
    do: (expression) => page.evaluate(expression),
    until: (expression) => page.waitForFunction(expression, null, { timeout: 20_000 }),
    event: (event, times = 1) => page.waitForFunction(
      ([wanted, n]) => phone.events.filter((found) => found === wanted).length >= n, [event, times], { timeout: 20_000 },
    ).catch(async (error) => {
      throw new Error(`no ${event} within ${await page.evaluate('phone.events')}: ${place.standin.events}`, { cause: error });
    }),
    hears: () => listen(place, page, true),
    silent: () => listen(place, page, false),
    idle: () => phone.until('!phone.call && !phone.busy()'),
  };
  await phone.event(event);
  return phone;
}

// openConsole opens the console of the stand-in.
async function openConsole(place, options) {
  const page = await newPage(place, { permissions: ['microphone', 'clipboard-read', 'clipboard-write'], ...options });
  await page.goto(options?.baseURL ?? place.backend.env.STANDIN_URL);
  return page;
}

// watch lets a test cut the page's sockets, keep new ones from reaching the stand-in, restart ICE, and measure the sound.
function watch() {
  globalThis.sockets = [];
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, ...rest) {
      super(globalThis.unplugged ? `ws://${location.host}/nowhere` : url, ...rest);
      globalThis.sockets.push(this);
    }
  };
  globalThis.cut = () => globalThis.sockets.forEach((socket) => socket.close());

  globalThis.peers = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) {
      super(...args);
      globalThis.peers.push(this);
    }
  };
  globalThis.restartICE = () => { // lets the SDK believe that ICE has failed, until it has restarted
    const peer = globalThis.peers.at(-1);
    const report = () => peer.dispatchEvent(new Event('iceconnectionstatechange'));
    peer.addEventListener('signalingstatechange', () => { if (peer.signalingState === 'stable') { report(); } });
    Object.defineProperty(peer, 'iceConnectionState', { value: 'failed', configurable: true });
    report();
    delete peer.iceConnectionState;
  };
  globalThis.sound = async () => { // that the page has heard in its last call
    const report = [...await globalThis.peers.at(-1)?.getStats() ?? []].find(([, { type }]) => type === 'inbound-rtp')?.[1];
    return { peer: globalThis.peers.length, energy: report?.totalAudioEnergy ?? 0, seconds: report?.totalSamplesDuration ?? 0 };
  };
}

// listen waits until a page hears something from now on, or has heard nothing for three beeps of a fake microphone.
async function listen(place, page, wanted) {
  const quiet = 1e-4; // the energy of the quietest tone of the stand-in, in a twentieth of a second
  let start = await page.evaluate('sound()');
  await place.eventually(async () => {
    const now = await page.evaluate('sound()');
    if (now.peer !== start.peer) {
      start = { ...now, energy: 0, seconds: 0 };
    }
    const heard = now.energy - start.energy > quiet;
    if (heard && !wanted) {
      start = now;
    }
    return wanted ? heard : now.seconds - start.seconds > 1.5;
  });
}

export async function talk(place, way) {
  const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
  await alice.do("phone.dial('tommy')");
  await tommy.event('incoming client:alice');
  await tommy.do('phone.call.accept()');
  await Promise.all([alice.event('accept'), tommy.event('accept')]);
  await Promise.all([alice.hears(), tommy.hears()]);
  return [alice, tommy];
}
