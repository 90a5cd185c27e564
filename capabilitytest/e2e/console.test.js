// The console of the stand-in, as a person uses it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lost, refused, setUp } from './place.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const [sdk1, sdk2] = [{ sdk: 1, kind: 'capability' }, { sdk: 2, kind: 'access' }];

// rows are what the ladder says, without the times.
const rows = (page) => page.locator('#rows .unseen').evaluateAll((all) => all.map((row) => row.textContent.replace(/^\S+( m?s)?: /, '')));
const button = (page, name) => page.getByRole('button', { name, exact: true });

// follows waits until the ladder has the rows, in this order, and perhaps others.
async function follows(page, ...wanted) {
  let found;
  for (let tries = 0; tries < 200; tries++) {
    found = await rows(page);
    let next = 0;
    for (const row of found) {
      next += Number(row.includes(wanted[next]));
    }
    if (next === wanted.length) {
      return;
    }
    await sleep(100);
  }
  assert.deepEqual(found, wanted);
}

test('a call is a ladder', async (t) => {
  const place = await setUp(t);
  const page = await place.console();
  await page.getByText('Waiting for the first call').waitFor();
  const [alice, tommy] = [await place.open('alice', sdk1), await place.open('tommy', sdk1), await place.open('tommy', sdk2)];
  for (const done of ['alice has shown a valid token', 'A page has loaded standin.js', 'alice is registered', 'Calls are handled by']) {
    await page.getByText(done).waitFor();
  }
  await alice.do("phone.dial('tommy')");
  await tommy.event('incoming client:alice');
  await follows(page, 'alice to stand-in, invite', 'asks your backend, POST /voice, signed', 'answers, 200, <Dial>', 'stand-in to tommy, invite, 2 times', 'stand-in to alice, ringing');
  await tommy.do('phone.call.accept()');
  await alice.event('accept');
  await alice.do("phone.call.sendDigits('12#')");
  await follows(page, 'ringing', 'tommy to stand-in, answer', 'stand-in to tommy, cancel', 'stand-in to alice, answer', 'alice and tommy talk', 'digits 12#');
  await page.getByText('tea & cake').first().waitFor();
  await page.getByText('✓ client:alice and client:tommy are connected').waitFor();
  await tommy.do('phone.call.disconnect()');
  await follows(page, 'talk', 'tommy to stand-in, hangup', 'stand-in to alice, hangup', 'is over: completed');

  await page.locator('#rows button').nth(2).click();
  await page.keyboard.press('ArrowUp');
  await page.locator('#rows button:focus[aria-pressed=true]', { hasText: 'POST /voice' }).waitFor();

  await button(page, 'Send again').click();
  await follows(page, 'is over: completed', 'POST /voice, sent again', 'your backend answers, 200');
  assert.equal(place.backend.voiceRequests.length, 2);
  assert.deepEqual(place.backend.voiceRequests[0], place.backend.voiceRequests[1]);

  await button(page, 'Copy credentials').click();
  await button(page, 'Copied').waitFor();
  assert.ok((await page.evaluate('navigator.clipboard.readText()')).includes(`TWILIO_AUTH_TOKEN=${place.backend.env.TWILIO_AUTH_TOKEN}`));
});

// A row is there within 200 ms of what it tells: measured by the page's clock, which is the stand-in's.
test('the ladder is up to date', async (t) => {
  const place = await setUp(t, { expected: [refused] });
  const page = await place.console();
  const alice = await place.open('alice', sdk2);
  await page.evaluate(() => {
    globalThis.late = [];
    new MutationObserver((all) => {
      for (const row of all.flatMap(({ addedNodes }) => [...addedNodes])) {
        const { at } = JSON.parse(row.mark);
        globalThis.late.push(Date.now() - Date.parse(at));
      }
    }).observe(document.querySelector('#rows'), { childList: true });
  });
  for (let i = 0; i < 5; i++) {
    await alice.do("phone.dial('nobody')");
    await alice.idle();
    await page.getByText(`Calls · ${i + 1}`).waitFor();
  }
  await sleep(500);
  const late = (await page.evaluate('late')).sort((a, b) => a - b);
  assert.ok(late.length >= 25, `${late}`);
  assert.ok(late[Math.floor(late.length / 2)] < 200, `${late}`);
});

test('a request is there before its answer', async (t) => {
  const place = await setUp(t, { expected: [refused] });
  const page = await place.console();
  const alice = await place.open('alice', sdk2);
  let answer;
  place.backend.twiml = () => new Promise((resolve) => { answer = resolve; });
  await alice.do("phone.dial('nobody')");
  await page.locator('#detail').getByText('waiting…').waitFor();
  await follows(page, 'invite', 'POST /voice, signed');
  assert.ok(!(await rows(page)).some((row) => row.includes('answers')));
  answer('<Response><Say>hello</Say><Hangup/></Response>');
  await follows(page, 'answers, 200, <Say> <Hangup>', 'is over: completed');
  await page.getByText('✓ client:alice is told "hello"').waitFor();
  await alice.idle();

  place.backend.twiml = () => '<Response><Reject/></Response>';
  await alice.do("phone.dial('somebody')");
  await alice.idle();
  await page.getByText('Calls · 2').waitFor();
  await page.locator('#calls [aria-current=true]', { hasText: 'somebody' }).click();
  await page.keyboard.press('j');
  await page.getByRole('heading', { name: 'alice → nobody' }).waitFor();
  await page.keyboard.press('k');
  await page.getByRole('heading', { name: 'alice → somebody' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('nobody');
  await page.locator('#calls li', { hasText: 'somebody' }).waitFor({ state: 'detached' });
});

test('what a backend refuses, and whose token is refused, is explained', async (t) => {
  const place = await setUp(t, { expected: [refused] });
  const page = await place.console();
  const alice = await place.open('alice', sdk2);
  const { env } = place.backend;
  place.backend.env = { ...env, TWILIO_AUTH_TOKEN: 'a-secret-of-another-account' };
  await alice.do("phone.dial('tommy')");
  await follows(page, 'POST /voice', '403', 'is over: failed, 11200');
  await page.getByRole('tab', { name: 'Signature' }).click();
  await page.getByRole('tabpanel').getByText(`${place.backend.url}/voiceAccountSid${env.TWILIO_ACCOUNT_SID}`).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('tab', { name: 'Raw', selected: true }).waitFor();

  const foreign = `AC${'9'.repeat(32)}`;
  place.backend.env = { ...env, TWILIO_ACCOUNT_SID: foreign };
  await place.open('mallory', sdk2, 'error 53000'); // 31203, as SDK 2.x shows it
  const card = page.locator('.refused', { hasText: 'mallory' });
  await card.getByText('31203').waitFor();
  await card.getByText(foreign).first().waitFor();
  await card.getByText(env.TWILIO_ACCOUNT_SID).first().waitFor();

  place.backend.env = env;
  await page.getByText('Actions for alice').click();
  await button(page, '31205').click();
  await alice.do('phone.renew()');
  await alice.event('error 20104'); // as SDK 2.x shows it
  await page.locator('#devices li:not(.refused)', { hasText: 'alice' }).getByText('refused as asked').waitFor();
  await page.locator('.refused', { hasText: 'alice' }).waitFor({ state: 'detached' }); // it is told once
});

test('a telephone is answered with the microphone, and a client is rung', async (t) => {
  const place = await setUp(t, { expected: [refused, lost] });
  const page = await place.console();
  const alice = await place.open('alice', sdk2);
  place.backend.twiml = ({ To }) => `<Response><Dial callerId="+15550100000">${To}</Dial></Response>`;
  await button(page, 'Play it here').click();
  await alice.do("phone.dial('+15550100002')");
  await button(page, 'Answer with the microphone').click();
  await page.getByText('you are speaking').waitFor();
  await alice.hears();
  await page.locator('#phones').getByRole('button', { name: '7' }).click();
  await follows(page, '+15550100002 to stand-in, digits 7');
  await button(page, 'Hang up').click();
  await alice.idle();
  await page.getByText('you are speaking').waitFor({ state: 'detached' });

  await page.keyboard.press('Escape');
  await page.locator('body').press('r');
  await page.keyboard.type('alice');
  await page.getByLabel('Then').selectOption('press 1 2 #, hang up after 10 seconds');
  await button(page, 'Ring').click();
  await alice.event('incoming +15550100001');
  await alice.do('phone.call.accept()');
  await follows(page, 'call', 'invite', 'answer', 'talk', '+15550100001 to stand-in, digits 12#', 'hangup');
  await alice.idle();
  await page.locator('#phones').getByRole('listitem').filter({ hasText: '+15550100001' }).getByText('free').waitFor();

  await button(page, 'Reset').click();
  await page.getByText('Waiting for the first call').waitFor();
  await alice.event('registered', 2);
});

// startWire starts a wire to the stand-in that can be cut.
async function startWire(standin) {
  const wire = { isCut: false };
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connect(new URL(standin).port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.pipe(far).pipe(near);
    if (wire.isCut) {
      near.destroy();
    }
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  wire.url = `http://127.0.0.1:${server.address().port}`;
  wire.cut = () => { wire.isCut = true; sockets.forEach((socket) => socket.destroy()); };
  wire.mend = () => { wire.isCut = false; };
  wire.close = () => { wire.cut(); server.close(); };
  return wire;
}

async function consoleOnWire(t) {
  const place = await setUp(t, { expected: [refused, lost] });
  const wire = await startWire(place.standin.env.STANDIN_URL);
  place.opened.push(wire);
  const page = await place.console({ baseURL: wire.url });
  return { place, wire, page };
}

test('it goes on after its stream was cut, and after another start of the stand-in', async (t) => {
  const { place, wire, page } = await consoleOnWire(t);
  const alice = await place.open('alice', sdk1);
  await page.getByText('alice is registered').waitFor();
  wire.cut();
  await page.getByText('reconnecting').waitFor();
  await button(page, 'Reset').click();
  await page.getByText('The stand-in cannot be reached.').waitFor();
  await alice.do("phone.dial('nobody')");
  await alice.idle();
  assert.deepEqual(await rows(page), []);
  wire.mend();
  await follows(page, 'invite', 'POST /voice', 'is over: no-answer, 31404');
  await page.getByText('Calls · 1').waitFor();
  await place.standin.stop('SIGKILL');
  await page.getByText('reconnecting').waitFor();
  await place.restart();
  await page.locator('#live', { hasText: 'live' }).waitFor({ timeout: 60_000 });
  await page.getByText('Calls · 0').waitFor();
});

// However long the stream is cut: what counts is whether the stand-in still has what the page has missed.
test('it starts anew after a cut in which more has happened than the stand-in keeps', async (t) => {
  const { place, wire, page } = await consoleOnWire(t);
  const alice = await place.open('alice', sdk1);
  await alice.do("phone.dial('before')");
  await alice.idle();
  await follows(page, 'is over: no-answer');
  wire.cut();
  await page.getByText('reconnecting').waitFor();
  const [kept, last] = await page.evaluate('[maxEvents, world.events.at(-1).seq]');
  for (let i = 0; i < kept; i += 100) { // each is an event
    await Promise.all(Array.from({ length: 100 }, () => fetch(`${place.standin.env.STANDIN_URL}/standin.js`).then((response) => response.text())));
  }
  await alice.do("phone.dial('after')");
  await alice.idle();
  wire.mend();
  await page.getByRole('heading', { name: 'alice → after' }).waitFor();
  await follows(page, 'invite', 'POST /voice', 'is over: no-answer, 31404');
  const seqs = await page.evaluate('world.events.map(({ seq }) => seq)');
  assert.ok(seqs[0] > last + 1, 'nothing was missed');
  assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i));
  await page.locator('#calls button', { hasText: 'before' }).click();
  await page.getByRole('heading', { name: 'alice → before' }).waitFor();
  assert.deepEqual(await rows(page), []);
});

test('a thousand events are no burden', async (t) => {
  const place = await setUp(t, { expected: [refused] });
  const page = await place.console();
  const alice = await place.open('alice', sdk1);
  const frames = page.evaluate(() => new Promise((resolve) => {
    const took = [];
    globalThis.stop = () => resolve(took);
    const { drawNow } = globalThis;
    globalThis.drawNow = () => { const start = performance.now(); drawNow(); took.push(performance.now() - start); };
  }));
  while (await page.evaluate('world.events.length') < 1000) {
    await alice.do("phone.dial('nobody')");
    await alice.idle();
  }
  await page.evaluate('stop()');
  const took = (await frames).sort((a, b) => a - b);
  t.diagnostic(`${took.length} frames, median ${took[took.length >> 1]} ms, longest ${took.at(-1)} ms`);
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  t.diagnostic(`${Math.round(usedSize / 1e6)} MB, ${await page.evaluate('world.events.length')} events`);
  assert.ok(usedSize < 50e6);
  assert.ok(took[took.length >> 1] < 16);
});

// look looks at a state in all sizes and colours. It fits into its window, and whoever cannot see it can use it. With the
// variable PICTURES, it leaves pictures in that folder.
async function look(page, state) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      if (process.env.PICTURES) {
        await page.screenshot({ path: `${process.env.PICTURES}/${state}-${width}-${colorScheme}.png`, fullPage: true });
      }
      const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= inner, `${state} is ${wide} wide, the window ${inner}`);
    }
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`), [], `${state}, ${colorScheme}`);
  }
}

test('every state fits, and axe-core finds no fault with it', async (t) => {
  const place = await setUp(t, { expected: [refused] });
  const page = await place.console();
  await look(page, 'empty');
  const [alice, tommy] = [await place.open('alice', sdk2), await place.open('tommy', sdk1), await place.open('tommy', sdk2)];
  await page.getByText('alice is registered').waitFor();
  await page.getByText('Actions for alice').click();
  await look(page, 'set-up');
  await page.getByText('Actions for alice').click();
  place.backend.twiml = ({ To }) => `<Response><Dial timeout="600" answerOnBridge="true"><Client>${To}</Client></Dial></Response>`;
  await alice.do("phone.dial('tommy')");
  await tommy.event('incoming client:alice');
  await follows(page, 'ringing');
  await look(page, 'ringing');
  await tommy.do('phone.call.accept()');
  await follows(page, 'talk');
  await look(page, 'talking');
  await tommy.do('phone.call.disconnect()');
  await follows(page, 'is over');
  const { env } = place.backend;
  place.backend.env = { ...env, TWILIO_AUTH_TOKEN: 'a-secret-of-another-account' };
  await alice.idle();
  await alice.do("phone.dial('tommy')");
  await follows(page, 'is over: failed');
  await page.getByRole('tab', { name: 'Signature' }).click();
  await look(page, 'forbidden');
  place.backend.env = env;
  await page.getByRole('tab', { name: 'Request' }).click();
  await alice.idle();
  place.backend.twiml = () => '<Response><Say>Hello there</Say><Play digits="1w2"/><Foo/><Dial callerId="+15550100000"><Number>+15550100002</Number></Dial></Response>';
  await button(page, 'Play it here').click();
  await alice.do("phone.dial('+15550100002')");
  await button(page, 'Answer with the microphone').waitFor();
  await look(page, 'telephone');
  await button(page, 'End call').click();
  await alice.idle();
  place.backend.twiml = () => '<Response><Dial><Conference>standup</Conference></Dial></Response>';
  await alice.do("phone.dial('x')");
  await place.standin.says(/client:alice joins/);
  await tommy.do("phone.dial('x')");
  await page.getByText('the conference "standup" starts').first().waitFor();
  await look(page, 'conference');
  place.backend.env = { ...env, TWILIO_ACCOUNT_SID: `AC${'9'.repeat(32)}` };
  await place.open('mallory', sdk2, 'error 53000'); // 31203, as SDK 2.x shows it
  await page.getByText('What the token says').click();
  await look(page, 'refused');
});
