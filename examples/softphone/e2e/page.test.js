import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Softphone, talk } from './softphone.js';
import { eachSDK, newWay, oldWay, ways } from './ways.js';

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
  await phone.dial('+1 415 555 0100');
  await phone.page.locator('#to-mistake').getByText('cannot call phone numbers').waitFor();
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
  await alice.notice('nobody is not signed in.');
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

  await tommy.dial('alice');
  await alice.rings('tommy');
  await alice.page.locator('#accept').focus();
  await tommy.hangUp();
  await alice.notice('tommy has stopped calling');
  await alice.focused('to');
});

test('nothing is wider than a telephone', async (t) => {
  const softphone = await Softphone.start(t);
  const long = 'x'.repeat(256);
  const viewport = { width: 360, height: 740 };
  const phone = await softphone.open({ viewport });
  await phone.signIn(long);
  await phone.state('Ready');
  const fits = async (what) => assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), what);
  await fits('a long name');
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
    const alice = await softphone.open(options);
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
    await shoot('call-muted');
    await tommy.hangUp();
    await alice.notice('tommy hung up after');
    await shoot('ended');
    await softphone.stop();
    await alice.notice('The connection to the gateway was lost.');
    await shoot('offline');
  });
}
