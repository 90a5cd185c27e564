// What the page says and does when a connection is lost, or given up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Softphone, talk } from './softphone.js';
import { eachSDK, newWay } from './ways.js';

async function onLine(softphone, way) {
  const [alice, tommy] = await Promise.all([softphone.openOnLine(), softphone.device('tommy', way)]);
  await alice.signIn('alice', way);
  await alice.state('Ready');
  return [alice, tommy];
}

eachSDK('a call that rings and is lost with its socket is told to be cut off', async (t, way) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await onLine(softphone, way);
  await alice.dial('tommy');
  await tommy.rings('alice');
  await alice.cut();
  await alice.notice('The connection to the gateway was lost.');
  alice.mend();
  await alice.said('The call to tommy was cut off. Call again.');
  await tommy.said('The call from alice ended before it was answered here.');
  await alice.state('Ready');
  await talk(alice, tommy);
});

eachSDK('offline, the page says so, does not call, and can try at once', async (t, way) => {
  const softphone = await Softphone.start(t);
  const [alice] = await onLine(softphone, way);
  await alice.cut();
  await alice.state('Offline');
  const call = alice.page.getByRole('button', { name: 'Call', exact: true, disabled: true });
  await call.waitFor();
  assert.equal(await alice.page.locator('#offline-text').textContent(), 'Trying again…');
  await alice.page.getByLabel('Client to call').fill('tommy');
  await alice.page.keyboard.press('Enter');
  assert.ok(!(await alice.events()).includes('dial'));
  await alice.button('Try now').click();
  await alice.logged('token', { times: 2 });
  alice.mend();
  await alice.state('Ready');
  assert.equal(await alice.page.locator('#notice').isVisible(), false);
});

// SDK 1.x does not say that it reconnects.
test('a call that reconnects keeps its time and its buttons', async (t) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await onLine(softphone, newWay);
  await talk(alice, tommy);
  await alice.cut();
  await alice.state('Reconnecting…');
  await alice.page.getByText('Reconnecting to tommy…').waitFor();
  await alice.button('Mute').waitFor();
  assert.match(await alice.page.locator('#call-time').textContent(), /^0:\d\d$/);
  alice.mend();
  await alice.state('On a call');
  await alice.talks('tommy');
  await alice.hangUp();
  await alice.said(/^You hung up after/);
  await tommy.said(/^The call with alice ended after/);
});

test('a call that ends while its connection is lost was lost', async (t) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await onLine(softphone, newWay);
  await talk(alice, tommy);
  await alice.cut();
  await alice.state('Reconnecting…');
  await tommy.hangUp();
  await tommy.said(/^You hung up after/);
  alice.mend();
  await alice.said(/^The connection to tommy was lost after 0:\d\d\.$/);
});

// Today the SDKs' listeners for unload keep Chromium from caching the page; browsers are taking that event away.
eachSDK('a page that comes back with the back button is ready again', async (t, way) => {
  const softphone = await Softphone.start(t);
  const phone = await softphone.openUnder(t, 'microphone=(self), unload=()');
  let persisted = false;
  await phone.page.exposeFunction('shown', (event) => { persisted ||= event; });
  await phone.page.addInitScript(() => addEventListener('pageshow', (event) => shown(event.persisted)));
  await phone.page.reload();
  await phone.signIn('alice', way);
  await phone.state('Ready');
  await phone.page.goto(`${softphone.url}style.css`);
  await phone.page.goBack({ waitUntil: 'commit' });
  await phone.state('Ready');
  assert.ok(persisted, 'the page was not cached');
  const tommy = await softphone.device('tommy', way);
  await tommy.dial('alice');
  await phone.rings('tommy');
});
