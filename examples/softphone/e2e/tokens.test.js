import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Softphone } from './softphone.js';
import { account, apiKey, eachSDK, eachWay, newWay } from './ways.js';

eachWay('the token of the backend reaches the gateway unchanged', async (t, way) => {
  const softphone = await Softphone.start(t);
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

test('a token that the console has refused is told, and a new one fetched', async (t) => {
  const softphone = await Softphone.start(t, { args: ['-ttl', '6s'] });
  const alice = await softphone.device('alice', newWay);
  const { page: console } = await softphone.open({ allow: ['127.0.0.1'] });
  await console.goto(await alice.page.locator('#gateway').getAttribute('href'));
  await console.getByText('Actions for alice').click();
  let seen;
  const told = new Promise((resolve) => { seen = resolve; });
  let fetched = 0;
  await alice.page.route('**/token', async (route) => { // the renewed one, which is refused; a new one waits
    fetched += 1;
    if (fetched > 1) {
      await told;
    }
    await route.continue();
  });
  await console.getByRole('button', { name: '31205', exact: true }).click();
  await alice.notice('The token has expired. The page fetches a new one.');
  seen();
  await alice.state('Ready');
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

eachSDK('a tampered token is refused', async (t, way) => {
  const softphone = await Softphone.start(t);
  const mallory = await softphone.open();
  await alterToken(mallory, ({ token }) => changeClaims(token, way.tampered));
  await mallory.signIn('mallory', way);
  await mallory.notice('Error 31202');
  await mallory.state('Offline');
  await mallory.logged('token', { times: 2 });
  await mallory.page.getByText('The gateway refused the token.', { exact: true }).waitFor(); // and no more are fetched
});

eachSDK("a foreign account's token is refused", async (t, way) => {
  const softphone = await Softphone.start(t);
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
  const softphone = await Softphone.start(t, { args: ['-ttl', '2s'] });
  const tommy = await softphone.open();
  await alterToken(tommy, async ({ token, expiresAt }) => {
    await sleep(Date.parse(expiresAt) - Date.now() + 100);
    return token;
  }, { times: 1 });
  await tommy.signIn('tommy', way);
  await tommy.logged('error', { detail: way.expired });
  await tommy.logged(way.ready);
});

eachSDK('a token of 6 s is renewed, and the device never offline', async (t, way) => {
  const softphone = await Softphone.start(t, { args: ['-ttl', '6s'] });
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

eachSDK('a token that expires during a call leaves the call up, and a new one makes the device ready', async (t, way) => {
  const softphone = await Softphone.start(t, { args: ['-ttl', '4s'] });
  const tommy = await softphone.device('tommy', way);
  const alice = await softphone.device('alice', way); // last, so that her token lives long enough to call
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
  await alice.page.getByRole('button', { name: 'Call', exact: true, disabled: true }).waitFor();

  await alice.page.unroute('**/token');
  await alice.state('Ready');
  await tommy.dial('alice');
  await alice.rings('tommy');
});

test('a backend that cannot be reached is asked again', async (t) => {
  const softphone = await Softphone.start(t);
  const tommy = await softphone.open();
  await tommy.page.route('**/token', (route) => route.abort());
  await tommy.signIn('tommy');
  await tommy.notice('The backend cannot be reached. Trying again.');
  await tommy.page.unroute('**/token');
  await tommy.state('Ready');
  assert.equal(await tommy.page.locator('#notice').isVisible(), false);
});

test('with credentials the page asks Twilio, and may', async (t) => {
  const softphone = await Softphone.start(t, { env: { ...account, ...apiKey } });
  const gateway = 'voice-js.roaming.twilio.com';
  const alice = await softphone.open({ allow: [gateway, 'eventgw.twilio.com', 'sdk.twilio.com'] });
  const sockets = [];
  alice.page.on('websocket', (socket) => sockets.push(socket.url()));
  const sound = alice.page.waitForRequest((request) => request.url().startsWith('https://sdk.twilio.com/'));
  await alice.signIn('alice', newWay);
  await sound;
  await alice.logged('error'); // there is no way to Twilio here
  assert.equal(sockets[0], `wss://${gateway}/signal`);
});

// Twilio has shut down SDK 1.x.
test('an Access Token can be chosen only if there is an API key, and SDK 1.x only with the stand-in', async (t) => {
  for (const [env, accessToken, sdk1] of [[{}, true, true], [account, false, false], [{ ...account, ...apiKey }, true, false]]) {
    const phone = await (await Softphone.start(t, { env })).open();
    await phone.page.locator('#gateway', { hasText: /stand-in|Twilio/ }).waitFor();
    await phone.unfold('choices');
    const radio = (name) => phone.page.getByRole('radio', { name });
    assert.equal(await radio('Access Token').isEnabled(), accessToken);
    assert.equal(await radio('SDK 1.15.1').isEnabled(), sdk1);
    assert.equal(await phone.page.getByText('Twilio has shut down SDK 1.x').isVisible(), !sdk1);
    assert.ok(await radio('SDK 2.18.5').isChecked());
    assert.deepEqual(await phone.violations(), []);
  }
});
