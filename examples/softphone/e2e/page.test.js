import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Phone, Softphone, talk } from './softphone.js';
import { account, eachSDK, newWay, oldWay, ways } from './ways.js';

test('a mistake is told at its field, before anything is sent', async (t) => {
  const softphone = await Softphone.start(t);
  const phone = await softphone.open();
  const sent = [];
  phone.page.on('request', (request) => request.url().includes('/clients/') && sent.push(request.url()));
  for (const name of ['tom my', '', '.', '..', 'tommy@example.com', 'x'.repeat(257)]) {
    await phone.signIn(name);
    await phone.page.locator('#name-mistake').getByText(/^(Enter a name|Use only letters|Use at most 256)/).waitFor();
    await phone.focused('name');
  }
  await phone.signIn('12345');
  await phone.page.locator('#name-mistake').getByText('Use at least one letter').waitFor();
  await phone.signIn('x'.repeat(122), { token: 'Access Token' });
  await phone.page.locator('#name-mistake').getByText('Use at most 121').waitFor();
  await phone.signIn('tommy', { incoming: false, outgoing: false });
  await phone.page.getByText('Choose at least one.').waitFor();
  assert.deepEqual(sent, []);
  await phone.signIn('tommy');
  await phone.state('Ready');
  await phone.dial('a b');
  await phone.page.locator('#to-mistake').getByText('Use only letters').waitFor();
});

test('tabs of one name in one browser have sessions of their own', async (t) => {
  const softphone = await Softphone.start(t, { args: ['-ttl', '6s'] });
  const first = await softphone.device('tommy', newWay);
  const second = await softphone.openIn(first.page.context());
  await second.signIn('tommy', { ...oldWay, incoming: false });
  await second.state('Ready for outgoing calls only');
  await first.logged('token', { times: 3 });
  assert.equal(await first.page.locator('#kind').textContent(), 'Access Token');
  await first.page.getByText('Receives calls to tommy').waitFor();
  await second.button('Sign out').click();
  await second.button('Sign in').waitFor();
  await first.logged('token', { times: 4 });
  await first.state('Ready');
});

test('a page goes on with its session after a reload, until it signs out', async (t) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy']);
  await tommy.page.reload();
  await tommy.state('Ready');
  await tommy.button('Sign out').click();
  await tommy.button('Sign in').waitFor();
  await alice.dial('tommy');
  await alice.notice('Error 31404');
});

eachSDK('a page survives a restart of the program', async (t, way) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy'], way);
  await softphone.restart();
  for (const phone of [alice, tommy]) {
    await phone.logged('token', { times: 2 });
    await phone.state('Ready');
  }
  const signIns = [];
  tommy.page.on('request', (request) => request.method() === 'POST' && signIns.push(request.url()));
  await tommy.page.reload();
  await tommy.state('Ready');
  assert.deepEqual(signIns, []); // the session that began after the restart goes on
  await talk(alice, tommy);
});

test('who signs in while the backend is down can sign in later', async (t) => {
  const softphone = await Softphone.start(t);
  const tommy = await softphone.open();
  await tommy.page.locator('#gateway', { hasText: 'stand-in' }).waitFor();
  await softphone.stop();
  await tommy.signIn('tommy');
  await tommy.notice('The backend cannot be reached.');
  await softphone.run(new URL(softphone.url).host);
  await tommy.signIn('tommy');
  await tommy.state('Ready');
});

test('everything can be done with the keyboard, and the focus follows', async (t) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = [await softphone.open(), await softphone.device('tommy')];
  const { keyboard } = alice.page;
  await keyboard.type('alice'); // the field has the focus
  await keyboard.press('Enter');
  await alice.state('Ready');
  await alice.focused('to');
  await keyboard.type('nobody');
  await keyboard.press('Enter');
  await alice.notice('No device is signed in as nobody.');
  await alice.focused('to');

  for (const typing of [false, true]) {
    if (typing) {
      await alice.page.locator('#to').fill('jen');
    }
    await tommy.dial('alice');
    await alice.rings('tommy');
    await alice.focused(typing ? 'to' : 'incoming'); // what somebody types goes where it should
    await alice.page.locator('#incoming').focus();
    await keyboard.press('Tab');
    await alice.focused('accept');
    await keyboard.press('Enter');
    await Promise.all([alice.talks('tommy'), tommy.talks('alice')]);
    await alice.focused('hang-up');
    await keyboard.press('Space');
    await Promise.all([alice.idle(), tommy.idle()]);
    await alice.focused('to');
  }

  for (const focus of ['accept', 'incoming']) {
    await tommy.dial('alice');
    await alice.rings('tommy');
    await alice.page.locator(`#${focus}`).focus();
    await tommy.hangUp();
    await alice.said('The call from tommy ended before it was answered here.');
    await alice.focused('to');
    await tommy.idle();
  }
});

test('tommy is one click away, and tabs can be told apart', async (t) => {
  const softphone = await Softphone.start(t);
  const alice = await softphone.device('alice');
  const opened = alice.page.context().waitForEvent('page');
  await alice.page.getByRole('link', { name: 'Open tommy in a new tab' }).click();
  const tommy = new Phone(await opened);
  await tommy.page.waitForFunction(() => document.getElementById('name').value === 'tommy');
  await tommy.focused('name');
  await tommy.page.keyboard.press('Enter');
  await tommy.state('Ready');
  assert.deepEqual([await alice.page.title(), await tommy.page.title()], ['alice – Softphone', 'tommy – Softphone']);
  await tommy.page.getByRole('link', { name: 'Open alice in a new tab' }).waitFor();
  await tommy.page.getByText('SDK 2.18.5 · Capability token').waitFor();
  await talk(alice, tommy);
  assert.match(await alice.page.title(), /^0:\d\d tommy – alice$/);
});

test('the console is one click away, but not from Twilio', async (t) => {
  for (const [env, address] of [[{}, /^http:\/\/127\.0\.0\.1:\d+$/], [account, /^$/]]) {
    const phone = await (await Softphone.start(t, { env })).open();
    const gateway = phone.page.locator('#gateway', { hasText: /stand-in|Twilio/ });
    assert.match(await gateway.getAttribute('href') ?? '', address);
  }
});

test('what is said of a call goes when the next one comes, and an error can be dismissed', async (t) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy']);
  const error = alice.page.locator('#notice');
  for (const ends of [() => alice.button('Dismiss').click(), () => tommy.dial('alice')]) {
    await alice.dial('nobody');
    await alice.notice('Error 31404');
    await alice.idle();
    await ends();
    await error.waitFor({ state: 'hidden' });
    await alice.focused((await alice.page.title()).startsWith('☎') ? 'incoming' : 'to');
  }
  await alice.accept();
  await tommy.talks('alice');
  await tommy.hangUp();
  await alice.said('The call with tommy ended');
  await alice.dial('tommy');
  await alice.said(/^$/);
});

eachSDK('that the page may not use the microphone is all that is said of a call', async (t, way) => {
  const softphone = await Softphone.start(t);
  const tommy = await softphone.device('tommy', way);
  const alice = await softphone.openUnder(t, 'microphone=()');
  await alice.signIn('alice', way);
  await alice.state('Ready');
  await alice.dial('tommy');
  await alice.notice('Allow it in the browser, then try again.');
  await alice.idle();
  assert.equal(await alice.page.locator('#said').textContent(), '');
  await tommy.dial('alice');
  await alice.rings('tommy');
  await alice.accept();
  await alice.notice('Allow it in the browser, then try again.');
  await alice.idle();
  assert.equal(await alice.page.locator('#said').textContent(), '');
});

test('while the token is fetched, the phone is there, and cannot call yet', async (t) => {
  const softphone = await Softphone.start(t);
  const alice = await softphone.open();
  let go;
  const gate = new Promise((resolve) => { go = resolve; });
  await alice.page.route('**/token', async (route) => {
    await gate;
    await route.continue();
  });
  await alice.signIn('alice');
  await alice.state('Connecting…');
  await alice.focused('to');
  await alice.page.getByRole('button', { name: 'Call', exact: true, disabled: true }).waitFor();
  await alice.page.keyboard.type('tommy');
  await alice.page.keyboard.press('Enter');
  assert.deepEqual(await alice.violations(), []);
  go();
  await alice.state('Ready');
  assert.ok(!(await alice.events()).includes('dial'));
  await alice.focused('to');
});

test('nothing is wider than the window', async (t) => {
  const softphone = await Softphone.start(t);
  const long = 'x'.repeat(256);
  const phone = await softphone.open();
  await phone.signIn(long);
  await phone.state('Ready');
  await phone.unfold('token-details');
  const fits = async (what) => assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), what);
  for (const width of [1280, 360]) {
    await phone.page.setViewportSize({ width, height: 740 });
    await fits(`a long name, ${width} wide`);
  }
  await phone.dial('y'.repeat(256));
  await phone.notice('Error 31404');
  await fits('a long name in a notice');
  const caller = await softphone.open();
  await caller.page.routeWebSocket(/signal/, (page) => {
    const gateway = page.connectToServer();
    page.onMessage((frame) => gateway.send(frame.replace(/"To=(x+)"/, `"To=$1&Note=${'n'.repeat(400)}"`)));
  });
  await caller.page.reload();
  await caller.signIn('caller');
  await caller.state('Ready');
  await caller.dial(long);
  await phone.rings('caller');
  await fits('a long parameter');
});

// Every state of the page is looked at, by axe-core too: it fits into its window, and whoever cannot see it can use it.
const looks = [
  ['desktop-light', { colorScheme: 'light', viewport: { width: 1100, height: 720 } }, ways[0]],
  ['desktop-dark', { colorScheme: 'dark', viewport: { width: 1100, height: 720 } }, ways[3]],
  ['phone-light', { colorScheme: 'light', viewport: { width: 360, height: 740 } }, ways[2]],
  ['phone-dark', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }, ways[1]],
];
for (const [look, options, way] of looks) {
  test(`every state fits, and axe-core finds no fault with it (${look})`, async (t) => {
    const softphone = await Softphone.start(t);
    const [tommy, jenny] = await softphone.devices(['tommy', 'jenny'], way);
    const alice = await softphone.open({ ...options, reducedMotion: 'reduce' });
    const shoot = async (state) => {
      await alice.page.mouse.move(0, 0);
      await alice.page.screenshot({ path: `screenshots/${look}-${state}.png`, fullPage: true });
      const [page, window] = await alice.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(page <= window, `${state} is ${page} wide, the window ${window}`);
      assert.deepEqual(await alice.violations(), [], state);
    };
    await shoot('sign-in');
    await alice.signIn('not a name', way);
    await shoot('mistake');
    await alice.signIn('alice', { ...way, incoming: false });
    await alice.state('Ready for outgoing calls only');
    await shoot('outgoing-only');
    await alice.button('Sign out').click();
    await alice.signIn('alice', way);
    await alice.state('Ready');
    await alice.dial('nobody');
    await alice.notice('Error 31404');
    await shoot('error');
    await alice.dial('tommy');
    await alice.state('Ringing…');
    await shoot('ringing');
    await alice.hangUp();
    await alice.idle();
    await Promise.all([tommy.idle(), jenny.idle()]);
    await tommy.dial('alice');
    await alice.rings('tommy');
    await shoot('incoming');
    await jenny.dial('alice');
    await jenny.logged('ringing');
    await alice.accept();
    await alice.hears();
    await alice.rings('jenny');
    await alice.button('Hang up and accept').waitFor();
    await shoot('second-call');
    await alice.button('Reject').click();
    await alice.button('Mute').click();
    await alice.unfold('keypad');
    await alice.unfold('audio');
    await shoot('call-muted');
    await tommy.hangUp();
    await alice.said('The call with tommy ended after');
    await shoot('ended');
    await softphone.stop();
    await alice.notice('The connection to the gateway was lost.');
    await shoot('offline');
  });
}
