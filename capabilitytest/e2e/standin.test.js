import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import twilio from 'twilio';
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

const ways = [1, 2].flatMap((sdk) => ['capability', 'access'].map((kind) => ({ sdk, kind })));

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
async function setUp(t, { args = [], ttl = 3600, voice = true } = {}) {
  const backend = await startBackend();
  const start = (addr, env) => Standin.start(['-addr', addr, ...(voice ? ['-voice', `${backend.url}/voice`] : []), ...args], env);
  const place = { backend, standin: await start('127.0.0.1:0'), contexts: [] };
  backend.env = place.standin.env;
  backend.ttl = ttl;
  place.restart = async () => { place.standin = await start(new URL(backend.env.STANDIN_URL).host, backend.env); };
  place.open = (identity, way) => open(place, identity, way);
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

async function talk(place, way) {
  const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
  await alice.do("phone.dial('tommy')");
  await tommy.event('incoming client:alice');
  await tommy.do('phone.call.accept()');
  await Promise.all([alice.event('accept'), tommy.event('accept')]);
  await Promise.all([alice.hears(), tommy.hears()]);
  return [alice, tommy];
}

describe('an unmodified page', { concurrency: 2 }, () => {
  for (const way of ways) {
    test(`calls with SDK ${way.sdk} and a token of kind ${way.kind}`, async (t) => {
      const place = await setUp(t);
      const [alice, tommy] = await talk(place, way);
      assert.equal(await tommy.do('phone.topic'), 'tea & cake');
      const [form] = place.backend.voiceRequests;
      assert.equal(form.From, 'client:alice');
      assert.equal(form.To, 'tommy');
      if (way.sdk === 2) {
        assert.equal(await alice.do('phone.device.identity'), 'alice');
      }
      await alice.do("phone.call.sendDigits('12#')");
      await place.standin.says(/alice dials the digits 12#/);
      await tommy.do('phone.call.disconnect()');
      await Promise.all([alice.idle(), tommy.idle()]);
      assert.deepEqual(await alice.do("phone.events.filter((event) => event.includes('error'))"), []);
      assert.deepEqual([...alice.complaints, ...tommy.complaints], []);

      await tommy.do("phone.dial('nobody')");
      await tommy.idle();
      await place.standin.says(/31404/);
    });
  }

  for (const sdk of [1, 2]) {
    test(`calls a number and hears itself, with SDK ${sdk}`, async (t) => {
      const place = await setUp(t, { voice: false });
      const alice = await place.open('alice', { sdk, kind: 'access' });
      await alice.do("phone.dial('+15550100009')");
      await alice.event('accept');
      await alice.hears();
      await alice.do('phone.call.disconnect()');
      await alice.idle();
      await place.standin.says(/the call of client:alice is over: completed/);
      assert.deepEqual(alice.complaints, []);
    });

    test(`is told something, presses a key and hears nothing more, with SDK ${sdk}`, async (t) => {
      const place = await setUp(t);
      const response = () => new twilio.twiml.VoiceResponse();
      place.backend.twiml = ({ Digits }) => {
        const answer = response();
        if (Digits) {
          answer.pause({ length: 30 });
        } else {
          answer.gather({ numDigits: 1, timeout: 30 }).say('Please press one if you want to hear nothing more of this. '.repeat(5));
        }
        return answer.toString();
      };
      const alice = await place.open('alice', { sdk, kind: 'access' });
      await alice.do("phone.dial('menu')");
      await alice.event('accept');
      await alice.hears();
      await alice.do("phone.call.sendDigits('1')");
      await place.standin.says(/dials the digits 1/);
      await alice.until('phone.sample.audioOutputLevel === 0');
      assert.equal(place.backend.voiceRequests.at(-1).Digits, '1');
      await alice.do('phone.call.disconnect()');
      await alice.idle();
    });
  }

  for (const sdk of [1, 2]) {
    test(`confers, with one who is muted, with SDK ${sdk}`, async (t) => {
      const place = await setUp(t);
      const way = { sdk, kind: 'access' };
      place.backend.twiml = ({ From }) => {
        const answer = new twilio.twiml.VoiceResponse();
        answer.dial().conference({ muted: From === 'client:bob', beep: 'false', waitUrl: '' }, 'room');
        return answer.toString();
      };
      const [alice, tommy, bob] = await Promise.all(['alice', 'tommy', 'bob'].map((name) => place.open(name, way)));
      await Promise.all([alice, tommy, bob].map((phone) => phone.do("phone.dial('room')")));
      await Promise.all([alice, tommy, bob].map((phone) => phone.hears()));
      await tommy.do('phone.call.disconnect()');
      await tommy.idle();
      await Promise.all([alice.silent(), bob.hears()]);
      await Promise.all([alice, bob].map((phone) => phone.do('phone.call.disconnect()')));
      await place.standin.says(/leaves the conference "room" \(0 participants left\)/);
    });

    test(`waits in a queue and is dialled, with SDK ${sdk}`, async (t) => {
      const place = await setUp(t);
      const way = { sdk, kind: 'access' };
      place.backend.twiml = ({ To, QueueResult }) => {
        const answer = new twilio.twiml.VoiceResponse();
        if (QueueResult) {
          answer.pause({ length: 60 });
        } else if (To === 'support') {
          answer.enqueue({ action: '/voice' }, 'support');
        } else {
          answer.dial().queue('support');
        }
        return answer.toString();
      };
      const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
      await alice.do("phone.dial('support')");
      await alice.event('accept');
      await alice.hears(); // the music
      await tommy.do("phone.dial('agent')");
      await place.standin.says(/client:tommy and client:alice are connected/);
      await Promise.all([alice.hears(), tommy.hears()]);
      await tommy.do('phone.call.disconnect()');
      await tommy.idle();
      await alice.silent(); // she is still on the line
      assert.equal(place.backend.voiceRequests.at(-1).QueueResult, 'bridged');
      await alice.do('phone.call.disconnect()');
      await alice.idle();
    });
  }

  for (const way of ways.filter(({ kind }) => kind === 'access')) {
    test(`keeps its call when a socket is lost for a moment, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t);
      const [alice, tommy] = await talk(place, way);
      await alice.do('cut()');
      await tommy.do('cut()');
      await Promise.all([alice.event('registered', 2), tommy.event('registered', 2)]);
      if (way.sdk === 2) {
        await Promise.all([alice.event('reconnected'), tommy.event('reconnected')]);
      }
      await alice.do('phone.sample = null');
      await alice.hears();
      assert.ok(await alice.do('phone.busy()'));
      await alice.do('phone.call.disconnect()');
      await Promise.all([alice.idle(), tommy.idle()]);
      await tommy.do("phone.dial('alice')");
      await alice.event('incoming client:tommy');
    });

    test(`loses its call with a socket that stays away, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t);
      const [alice, tommy] = await talk(place, way);
      await alice.do('unplugged = true; cut()');
      await tommy.idle(); // 15 s later
      await alice.do('unplugged = false');
      if (way.sdk === 2) { // SDK 1.x says nothing of its call, and gives it up when the sound stops
        await alice.idle();
      }
    });

    test(`has no call after the stand-in was stopped, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t);
      const [alice, tommy] = await talk(place, way);
      assert.equal(await place.standin.stop(), 0);
      await Promise.all([alice.idle(), tommy.idle()]);
      await place.restart();
      await Promise.all([alice.event('registered', 2), tommy.event('registered', 2)]);
    });

    test(`lives with a socket that is closed when its token expires, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t, { args: ['-close-on-refusal'], ttl: 3 });
      const alice = await place.open('alice', way);
      await alice.event(`error ${way.sdk === 1 ? 31205 : 20104}`);
      place.backend.ttl = 3600;
      await alice.do('phone.renew()');
      await alice.event('registered', 2);
    });
  }

  test('has no call after the stand-in has crashed and is back, with SDK 2', async (t) => {
    const place = await setUp(t);
    const [alice, tommy] = await talk(place, { sdk: 2, kind: 'access' });
    await place.standin.stop('SIGKILL');
    await Promise.all([alice.event('reconnecting'), tommy.event('reconnecting')]);
    await place.restart();
    await Promise.all([alice.idle(), tommy.idle()]);
  });

  test('takes a call over from another page, with SDK 2', async (t) => {
    const place = await setUp(t);
    const way = { sdk: 2, kind: 'access' };
    const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
    await alice.do("phone.dial('tommy')");
    await tommy.event('incoming client:alice');
    const other = await place.open('tommy', way);
    await other.do(`phone.takeOver(${JSON.stringify(await tommy.do('phone.call.connectToken'))})`);
    await Promise.all([other.event('accept'), tommy.event('cancel')]);
    await Promise.all([alice.hears(), other.hears()]);
    await other.do('phone.call.disconnect()');
    await Promise.all([alice.idle(), other.idle()]);
  });

  test('is told before its token expires, with SDK 2', async (t) => {
    const place = await setUp(t, { ttl: 12 });
    const alice = await place.open('alice', { sdk: 2, kind: 'capability' });
    await alice.event('tokenWillExpire');
  });

  for (const way of ways.filter(({ kind }) => kind === 'access')) {
    test(`is told that it calls itself, or somebody who dials, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t);
      const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
      await alice.do("phone.dial('alice')");
      await alice.idle();
      await place.standin.says(/31486/);
      await alice.do("phone.dial('tommy')");
      await tommy.event('incoming client:alice');
      await tommy.do("phone.dial('alice')");
      await tommy.event('cancel');
      await alice.event('incoming client:tommy');
      await alice.do('phone.call.accept()');
      await tommy.event('accept');
      await tommy.hears();
    });

    test(`has no call after its socket was lost while it rang, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t);
      const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
      for (const [i, lost] of [alice, tommy].entries()) {
        await alice.do("phone.dial('tommy')");
        await tommy.event('incoming client:alice', i + 1);
        await lost.do('cut()');
        await lost.event('registered', 2);
        await Promise.all([alice.idle(), tommy.idle()]);
      }
    });
  }

  for (const sdk of [1, 2]) {
    test(`is told of glare, with SDK ${sdk}`, async (t) => {
      const place = await setUp(t);
      const way = { sdk, kind: 'capability' };
      const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
      await Promise.all([alice.do("phone.dial('tommy')"), tommy.do("phone.dial('alice')")]);
      await Promise.race([alice.idle(), tommy.idle()]);
      await place.standin.says(/31486/);
    });
  }
});
