import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchBrowser, Softphone } from './softphone.js';

let browser;
before(async () => { browser = await launchBrowser(); });
after(() => browser.close());

const foreignAccount = 'AC00000000000000000000000000000002';
const capabilityToken = {
  token: 'Capability token',
  tampered: { scope: 'scope:client:incoming?clientName=tommy' },
  foreign: { iss: foreignAccount },
  shown: ({ iss, scope }) => [iss, ...scope.split(' '), 'the auth token of the account'],
};
const accessToken = {
  token: 'Access Token',
  tampered: { grants: { identity: 'tommy', voice: { incoming: { allow: true } } } },
  foreign: { sub: foreignAccount },
  shown: ({ iss, sub, grants: { voice } }) => [sub, JSON.stringify(voice.outgoing), `the API key ${iss}`],
};
const sdk1 = { sdk: 'SDK 1.15.1', ready: 'ready', expired: '31205' };
const sdk2 = { sdk: 'SDK 2.18.5', ready: 'registered', expired: '20104' };
const ways = [sdk1, sdk2].flatMap((sdk) => [capabilityToken, accessToken].map((token) => ({ ...sdk, ...token })));
const [oldWay, , , newWay] = ways;

function testIn(someWays, name, run) {
  for (const way of someWays) {
    test(`${name} (${way.sdk}, ${way.token})`, (t) => run(t, way));
  }
}

// eachWay tests each SDK with each kind of token that it takes.
const eachWay = (name, run) => testIn(ways, name, run);

// eachSDK is for what the kind of the token has no part in.
const eachSDK = (name, run) => testIn([oldWay, newWay], name, run);

eachWay('the token of the backend reaches the gateway unchanged', async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const tommy = await softphone.open();
  const answered = tommy.page.waitForResponse((response) => response.url().endsWith('/token'));
  const listened = new Promise((resolve) => {
    tommy.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
      if (payload.includes('"listen"')) {
        resolve(JSON.parse(payload));
      }
    }));
  });
  await tommy.signIn('tommy', way);
  await tommy.state('Ready');

  const { identity, token } = await (await answered).json();
  assert.equal(identity, 'tommy');
  assert.equal((await listened).payload.token, token);
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  const shown = await tommy.page.getByRole('region', { name: 'Token' }).innerText();
  for (const text of [way.token, ...way.shown(claims), 'Receives calls to tommy', 'Department support']) {
    assert.ok(shown.includes(text), `${text} in ${shown}`);
  }
  assert.match(shown, /(1:00:00|59:5\d) left/);
});

eachWay('alice calls tommy, they talk, and either hangs up', async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy'], way);
  for (const [first, second] of [[alice, tommy], [tommy, alice]]) {
    await talk(alice, tommy);
    await first.hangUp();
    await Promise.all([first.idle(), second.idle()]);
    await Promise.all([first.state('Ready'), second.state('Ready')]);
  }
  assert.ok(!(await alice.events()).includes('error'));
  assert.ok(!(await tommy.events()).includes('error'));
});

test('both SDKs call each other', async (t) => {
  const softphone = await Softphone.start(t, browser);
  const [alice, tommy] = await Promise.all([softphone.device('alice'), softphone.device('tommy', newWay)]);
  for (const [caller, callee] of [[alice, tommy], [tommy, alice]]) {
    await talk(caller, callee);
    await caller.hangUp();
    await Promise.all([caller.idle(), callee.idle()]);
  }
});

// talk has one of alice and tommy call the other, until both hear the other.
async function talk(caller, callee) {
  const [from, to] = await Promise.all([caller.name(), callee.name()]);
  await caller.dial(to);
  await caller.logged('ringing');
  await callee.rings(from);
  await callee.notice('Department: support'); // the signed parameter
  await callee.accept();
  await Promise.all([caller.talks(to), callee.talks(from)]);
  await Promise.all([caller.state('On a call'), callee.state('On a call')]);
  await Promise.all([caller.hears(), callee.hears()]);
}

eachSDK('a call that rings is rejected, or given up', async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy'], way);
  await alice.dial('tommy');
  await tommy.rings('alice');
  await tommy.button('Reject').click();
  await alice.notice('Error 31002');
  await Promise.all([alice.idle(), tommy.idle()]);

  await alice.dial('tommy');
  await tommy.rings('alice');
  await alice.hangUp();
  await tommy.logged('cancel');
  await Promise.all([alice.idle(), tommy.idle()]);
});

test('devices of both SDKs named tommy ring, and the first to accept gets the call', async (t) => {
  const softphone = await Softphone.start(t, browser);
  const [[alice, first], second] = await Promise.all([
    softphone.devices(['alice', 'tommy']), softphone.device('tommy', newWay)]);
  await alice.dial('tommy');
  await Promise.all([first.rings('alice'), second.rings('alice')]);
  await first.accept();
  await second.logged('cancel');
  await second.idle();
  await second.state('Ready');
  await Promise.all([alice.talks('tommy'), first.talks('alice')]);
  await Promise.all([alice.hears(), first.hears()]);
});

eachSDK('two devices named tommy accept at once, and one gets the call', async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const [alice, ...tommys] = await softphone.devices(['alice', 'tommy', 'tommy'], way);
  await alice.dial('tommy');
  await Promise.all(tommys.map((tommy) => tommy.rings('alice')));
  await Promise.all(tommys.map((tommy) => tommy.accept()));
  await alice.talks('tommy');

  const loser = await Promise.any(tommys.map((tommy) => tommy.logged('cancel').then(() => tommy)));
  const winner = tommys.find((tommy) => tommy !== loser);
  await loser.idle();
  await loser.state('Ready');
  await winner.talks('alice');
  await Promise.all([alice.hears(), winner.hears()]);
});

test('the eleventh device named tommy drops the first', async (t) => {
  const softphone = await Softphone.start(t, browser);
  const first = await softphone.device('tommy');
  const others = [];
  for (const way of [oldWay, newWay]) {
    others.push(...await softphone.devices(['tommy', 'tommy', 'tommy', 'tommy'], way));
  }
  others.push(await softphone.device('tommy', newWay));
  assert.deepEqual(await first.events(), ['token', 'ready']);
  others.push(await softphone.device('tommy'));
  await first.state('Offline');

  const alice = await softphone.device('alice');
  await alice.dial('tommy');
  await Promise.all(others.map((tommy) => tommy.rings('alice')));
  assert.ok(!(await first.events()).includes('incoming'));
});

eachSDK('a device cannot do what its token does not grant', async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const [alice, tommy] = await Promise.all([softphone.device('alice', { ...way, outgoing: false }), softphone.open()]);
  await tommy.signIn('tommy', { ...way, incoming: false });
  await tommy.state('Ready for outgoing calls only');
  await alice.dial('tommy');
  await alice.notice('Error 31201');
  await alice.idle();
  await tommy.dial('tommy');
  await tommy.notice('Error 31404');
  await tommy.dial('alice');
  await alice.rings('tommy');
});

eachSDK('the page cannot change a signed parameter', async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const tommy = await softphone.device('tommy', way);
  const alice = await softphone.open();
  await alice.page.routeWebSocket(/signal/, (page) => {
    const gateway = page.connectToServer();
    page.onMessage((frame) => gateway.send(frame.replace('"To=tommy"', '"To=tommy&Department=board&Note=hello"')));
  });
  await alice.page.reload(); // a socket is routed only on a page that is loaded afterwards
  await alice.signIn('alice', way);
  await alice.state('Ready');
  await alice.dial('tommy');
  await tommy.notice('Department: support · Note: hello');
});

// alterToken gives the page another token than the backend's.
async function alterToken(phone, alter, options) {
  await phone.page.route('**/token', async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    await route.fulfill({ response, json: { ...body, token: await alter(body) } });
  }, options);
}

function changeClaims(token, change) {
  const [header, payload, signature] = token.split('.');
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url')), ...change };
  return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
}

eachWay('a tampered token is refused', async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const mallory = await softphone.open();
  await alterToken(mallory, ({ token }) => changeClaims(token, way.tampered));
  await mallory.signIn('mallory', way);
  await mallory.notice('Error 31202');
  await mallory.state('Offline');
});

eachSDK("a foreign account's token is refused", async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const mallory = await softphone.open();
  await alterToken(mallory, ({ token }) => {
    const [header, payload] = changeClaims(token, way.foreign).split('.');
    const signature = createHmac('sha256', "the foreign account's").update(`${header}.${payload}`).digest('base64url');
    return `${header}.${payload}.${signature}`;
  });
  await mallory.signIn('mallory', way);
  await mallory.notice('Error 31203');
  await mallory.state('Offline');
});

eachSDK('an expired token is refused, and a new one fetched', async (t, way) => {
  const softphone = await Softphone.start(t, browser, { args: ['-ttl', '2s'] });
  const tommy = await softphone.open();
  await alterToken(tommy, async ({ token, expiresAt }) => {
    await sleep(Date.parse(expiresAt) - Date.now() + 100);
    return token;
  }, { times: 1 });
  await tommy.signIn('tommy', way);
  await tommy.logged('error', { detail: way.expired });
  await tommy.state('Token expired');
  await tommy.logged(way.ready);
});

eachSDK('a token of 6 s is renewed, and the device never offline', async (t, way) => {
  const softphone = await Softphone.start(t, browser, { args: ['-ttl', '6s'] });
  const tommy = await softphone.open();
  const tokens = new Set();
  tommy.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
    if (payload.includes('"listen"')) {
      tokens.add(JSON.parse(payload).payload.token);
    }
  }));
  await tommy.signIn('tommy', way);
  await tommy.logged('token', { times: 3 });
  await tommy.state('Ready');
  assert.equal(tokens.size, 3);
  // SDK 1.x registers with each token, and 2.x once.
  const events = (await tommy.events()).filter((event) => event !== way.ready);
  assert.deepEqual(events, ['token', 'token', 'token']);
});

eachSDK('a page survives a restart of the program', async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy'], way);
  await softphone.restart();
  for (const phone of [alice, tommy]) {
    await phone.logged('token', { times: 2 });
    await phone.state('Ready');
  }
  await talk(alice, tommy);
});

eachSDK('a token that expires during a call leaves the call up, and a new one makes the device ready', async (t, way) => {
  const softphone = await Softphone.start(t, browser, { args: ['-ttl', '4s'] });
  const [alice, tommy] = await softphone.devices(['alice', 'tommy'], way);
  await alice.page.route('**/token', (route) => route.abort());
  await alice.dial('tommy');
  await tommy.rings('alice');
  await tommy.accept();
  await alice.logged('error', { detail: way.expired });
  await Promise.all([alice.talks('tommy'), tommy.talks('alice')]);
  await Promise.all([alice.hears(), tommy.hears()]);
  await tommy.hangUp();
  await alice.idle();
  await alice.state('Token expired');
  await alice.dial('tommy');
  await alice.notice('Error 31205');
  await alice.idle();

  await alice.page.unroute('**/token');
  await alice.state('Ready');
  await tommy.dial('alice');
  await alice.rings('tommy');
});

test('a backend that cannot be reached is asked again', async (t) => {
  const softphone = await Softphone.start(t, browser);
  const tommy = await softphone.open();
  await tommy.page.route('**/token', (route) => route.abort(), { times: 1 });
  await tommy.signIn('tommy');
  await tommy.notice('The backend cannot be reached. Trying again.');
  await tommy.state('Ready');
  assert.equal(await tommy.page.locator('#notice').isVisible(), false);
});

test('a mistake is told at its field, before anything is sent', async (t) => {
  const softphone = await Softphone.start(t, browser);
  const phone = await softphone.open();
  const sent = [];
  phone.page.on('request', (request) => request.url().includes('/clients/') && sent.push(request.url()));
  for (const name of ['tom my', '', '.', '..', 'tommy@example.com', 'x'.repeat(257)]) {
    await phone.signIn(name);
    await phone.page.locator('#name-mistake').getByText(name ? 'Use only letters' : 'Enter a name').waitFor();
  }
  await phone.signIn('tommy', { incoming: false, outgoing: false });
  await phone.page.getByText('Choose at least one.').waitFor();
  assert.deepEqual(sent, []);
  await phone.signIn('tommy');
  await phone.state('Ready');
  await phone.dial('a b');
  await phone.page.locator('#to-mistake').getByText('Use only letters').waitFor();
});

test('tabs of one name in one browser have sessions of their own', async (t) => {
  const softphone = await Softphone.start(t, browser, { args: ['-ttl', '6s'] });
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
  const softphone = await Softphone.start(t, browser);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy']);
  await tommy.page.reload();
  await tommy.state('Ready');
  await tommy.button('Sign out').click();
  await tommy.button('Sign in').waitFor();
  await alice.dial('tommy');
  await alice.notice('Error 31404');
});

test('everything can be done with the keyboard', async (t) => {
  const softphone = await Softphone.start(t, browser);
  const [alice, tommy] = [await softphone.open(), await softphone.device('tommy')];
  const { keyboard } = alice.page;
  await keyboard.type('alice'); // the field has the focus
  await keyboard.press('Enter');
  await alice.state('Ready');
  await tommy.dial('alice');
  await alice.rings('tommy');
  await focus(alice, 'Accept');
  await keyboard.press('Enter');
  await Promise.all([alice.talks('tommy'), tommy.talks('alice')]);
  await focus(alice, 'Hang up');
  await keyboard.press('Space');
  await Promise.all([alice.idle(), tommy.idle()]);
});

// focus goes from field to field until it is on the button.
async function focus(phone, button) {
  for (let i = 0; i < 10; i++) {
    await phone.page.keyboard.press('Tab');
    if (await phone.button(button).evaluate((node) => node === document.activeElement)) {
      return;
    }
  }
  assert.fail(`${button} is not reached`);
}

const account = {
  TWILIO_ACCOUNT_SID: 'AC00000000000000000000000000000001',
  TWILIO_AUTH_TOKEN: 'of-no-account',
  TWILIO_TWIML_APP_SID: 'AP00000000000000000000000000000001',
};
const apiKey = { TWILIO_API_KEY: 'SK00000000000000000000000000000001', TWILIO_API_SECRET: 'of-no-account' };

eachSDK('with credentials the page asks Twilio, and may', async (t, way) => {
  const softphone = await Softphone.start(t, browser, { env: { ...account, ...apiKey } });
  const gateway = way.sdk === sdk1.sdk ? 'chunderw-vpc-gll.twilio.com' : 'voice-js.roaming.twilio.com';
  const alice = await softphone.open({ allow: [gateway, 'eventgw.twilio.com', 'sdk.twilio.com'] });
  const sockets = [];
  alice.page.on('websocket', (socket) => sockets.push(socket.url()));
  const sound = alice.page.waitForRequest((request) => request.url().startsWith('https://sdk.twilio.com/'));
  await alice.signIn('alice', way);
  await sound;
  await alice.logged('error'); // there is no way to Twilio here
  assert.equal(sockets[0], `wss://${gateway}/signal`);
});

test('an Access Token can be chosen only if there is an API key', async (t) => {
  for (const [env, enabled] of [[{}, true], [account, false], [{ ...account, ...apiKey }, true]]) {
    const phone = await (await Softphone.start(t, browser, { env })).open();
    await phone.page.locator('#gateway', { hasText: /stand-in|Twilio/ }).waitFor();
    assert.equal(await phone.page.getByRole('radio', { name: 'Access Token' }).isEnabled(), enabled);
  }
});

eachSDK('a call during a call, mute, and who hung up', async (t, way) => {
  const softphone = await Softphone.start(t, browser);
  const [alice, tommy, jenny] = await softphone.devices(['alice', 'tommy', 'jenny'], way);
  await alice.dial('tommy');
  await alice.state('Ringing…');
  await tommy.rings('alice');
  assert.equal(await tommy.page.title(), 'Call from alice – Softphone');
  await tommy.page.keyboard.press('Tab');
  assert.ok(await tommy.button('Accept').evaluate((node) => node === document.activeElement));
  await tommy.accept();
  await Promise.all([alice.talks('tommy'), tommy.talks('alice')]);
  await alice.button('Mute').click();
  await alice.page.getByRole('button', { name: 'Mute', pressed: true }).waitFor();
  await jenny.dial('alice');
  await jenny.notice('alice is on another call.');
  await tommy.hangUp();
  await tommy.notice('You hung up after');
  await alice.notice('tommy hung up after');
});

test('nothing is wider than a telephone', async (t) => {
  const softphone = await Softphone.start(t, browser);
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

test('the page fits, in light and dark, on a desktop and a phone', async (t) => {
  const softphone = await Softphone.start(t, browser);
  const tommy = await softphone.device('tommy', newWay);
  const viewports = { desktop: { width: 1100, height: 720 }, phone: { width: 360, height: 740 } };
  for (const [colorScheme, way] of [['light', oldWay], ['dark', newWay]]) {
    for (const [width, viewport] of Object.entries(viewports)) {
      const alice = await softphone.open({ colorScheme, viewport });
      const shoot = async (what) => {
        const [page, window] = await alice.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(page <= window, `${what} is ${page} wide, the window ${window}`);
        await alice.page.screenshot({ path: `screenshots/${width}-${colorScheme}-${what}.png`, fullPage: true });
        assert.deepEqual(await alice.violations(), [], what);
      };
      await shoot('sign-in');
      await alice.signIn('alice', way);
      await alice.state('Ready');
      await alice.dial('nobody');
      await alice.notice('Error 31404');
      await shoot('error');
      await tommy.dial('alice');
      await alice.rings('tommy');
      await shoot('incoming');
      await alice.accept();
      await alice.hears();
      await shoot('call');
      await alice.button('Sign out').click();
      await tommy.idle();
    }
  }
});
