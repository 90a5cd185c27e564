// The stand-in, a backend and pages for the tests.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { startBackend } from './backend.js';

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
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
    for (let tries = 0; !pattern.test(this.events); tries++) {
      assert.ok(tries < 200, `no ${pattern} in ${this.events}`);
      await sleep(50);
    }
  }

  async stop(signal = 'SIGINT') {
    this.program.kill(signal);
    return this.exited;
  }
}

// setUp starts a backend and the stand-in, until the test ends.
export async function setUp(t, { args = [], ttl = 3600, voice = true } = {}) {
  const backend = await startBackend();
  const start = (addr, env) => Standin.start(['-addr', addr, ...(voice ? ['-voice', `${backend.url}/voice`] : []), ...args], env);
  const place = { backend, standin: await start('127.0.0.1:0'), contexts: [] };
  backend.env = place.standin.env;
  backend.ttl = ttl;
  place.restart = async () => { place.standin = await start(new URL(backend.env.STANDIN_URL).host, backend.env); };
  place.open = (identity, way) => open(place, identity, way);
  place.console = (options) => openConsole(place, options);
  t.after(async () => {
    await Promise.all(place.contexts.map((context) => context.close()));
    assert.equal(await place.standin.stop(), 0, place.standin.events);
    for (const secret of [backend.env.TWILIO_AUTH_TOKEN, backend.env.TWILIO_API_SECRET, 'eyJ']) {
      assert.ok(!place.standin.events.includes(secret));
    }
    backend.close();
  });
  return place;
}

// open opens a page on which a client is registered.
async function open(place, identity, { sdk, kind }) {
  const context = await browser.newContext({ permissions: ['microphone'] });
  place.contexts.push(context);
  const page = await context.newPage();
  const complaints = []; // errors in its console, and requests that would leave the machine
  page.on('console', (message) => { if (message.type() === 'error') { complaints.push(message.text()); } });
  page.on('request', (request) => { if (!/^(data:|[a-z]+:\/\/127\.0\.0\.1[:/])/.test(request.url())) { complaints.push(request.url()); } });
  page.on('websocket', (socket) => { if (!/^ws:\/\/127\.0\.0\.1:/.test(socket.url())) { complaints.push(socket.url()); } });
  await page.addInitScript(watchSockets);
  await page.goto(`${place.backend.url}/${sdk}?identity=${identity}&kind=${kind}`);
  const phone = {
    page,
    complaints,
    do: (expression) => page.evaluate(expression),
    until: (expression) => page.waitForFunction(expression, null, { timeout: 20_000 }),
    event: (event, times = 1) => page.waitForFunction(
      ([wanted, n]) => phone.events.filter((found) => found === wanted).length >= n, [event, times], { timeout: 20_000 },
    ).catch(async (error) => {
      throw new Error(`no ${event} within ${await page.evaluate('phone.events')}: ${place.standin.events}`, { cause: error });
    }),
    hears: () => phone.until('phone.sample?.totals.bytesReceived > 5000 && phone.sample.audioOutputLevel > 0'),
    silent: async () => { // for some seconds, as a fake microphone beeps once in a second
      await page.evaluate('phone.levels = []');
      await phone.until('phone.levels.length >= 8 && phone.levels.slice(-4).every((level) => level === 0)');
    },
    idle: () => phone.until('!phone.call && !phone.busy()'),
  };
  await phone.event('registered');
  return phone;
}

// openConsole opens the console of the stand-in.
async function openConsole(place, options) {
  const context = await browser.newContext({ permissions: ['microphone', 'clipboard-read', 'clipboard-write'], ...options });
  place.contexts.push(context);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => { if (message.type() === 'error') { complaints.push(message.text()); } });
  page.on('pageerror', (error) => complaints.push(error.stack));
  await page.goto(options?.baseURL ?? place.backend.env.STANDIN_URL);
  return { page, complaints };
}

// watchSockets lets a test cut the page's sockets, and keep new ones from reaching the stand-in.
function watchSockets() {
  globalThis.sockets = [];
  globalThis.WebSocket = class extends WebSocket {
    constructor(url, ...rest) {
      super(globalThis.unplugged ? `ws://${location.host}/nowhere` : url, ...rest);
      globalThis.sockets.push(this);
    }
  };
  globalThis.cut = () => globalThis.sockets.forEach((socket) => socket.close());
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
