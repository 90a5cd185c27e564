import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Softphone, talk } from './softphone.js';
import { eachSDK, eachWay, newWay, oldWay } from './ways.js';

eachWay('alice calls tommy, they talk, and either hangs up', async (t, way) => {
  const softphone = await Softphone.start(t);
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
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await Promise.all([softphone.device('alice', oldWay), softphone.device('tommy', newWay)]);
  for (const [caller, callee] of [[alice, tommy], [tommy, alice]]) {
    await talk(caller, callee);
    await caller.hangUp();
    await Promise.all([caller.idle(), callee.idle()]);
  }
});

eachSDK('a call that rings is rejected, or given up', async (t, way) => {
  const softphone = await Softphone.start(t);
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
  const softphone = await Softphone.start(t);
  const [[alice, first], second] = await Promise.all([
    softphone.devices(['alice', 'tommy'], oldWay), softphone.device('tommy', newWay)]);
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
  const softphone = await Softphone.start(t);
  const [alice, ...tommys] = await softphone.devices(['alice', 'tommy', 'tommy'], way);
  await alice.dial('tommy');
  await Promise.all(tommys.map((tommy) => tommy.rings('alice')));
  await Promise.all(tommys.map((tommy) => tommy.page.evaluate(() => { // at once, unless the other was faster already
    const accept = document.getElementById('accept');
    if (accept.checkVisibility()) {
      accept.click();
    }
  })));
  await alice.talks('tommy');

  const loser = await Promise.any(tommys.map((tommy) => tommy.logged('cancel').then(() => tommy)));
  const winner = tommys.find((tommy) => tommy !== loser);
  await loser.idle();
  await loser.state('Ready');
  await loser.said('The call from alice ended before it was answered here.');
  await winner.talks('alice');
  await Promise.all([alice.hears(), winner.hears()]);
});

test('the eleventh device named tommy drops the first', async (t) => {
  const softphone = await Softphone.start(t);
  const first = await softphone.device('tommy', oldWay);
  const others = [];
  for (const way of [oldWay, newWay]) {
    others.push(...await softphone.devices(['tommy', 'tommy', 'tommy', 'tommy'], way));
  }
  others.push(await softphone.device('tommy', newWay));
  assert.deepEqual(await first.events(), ['token', 'ready']);
  others.push(await softphone.device('tommy'));
  await first.state('Offline');
  await first.page.getByText('another device has taken this place').waitFor();
  await first.button('Register again').click();
  await first.state('Ready');
  const dropped = await Promise.any(others.map((tommy) => tommy.state('Offline').then(() => tommy))); // the oldest, in its turn

  const alice = await softphone.device('alice');
  await alice.dial('tommy');
  await Promise.all([first, ...others].filter((tommy) => tommy !== dropped).map((tommy) => tommy.rings('alice')));
  assert.ok(!(await dropped.events()).includes('incoming'));
});

eachSDK('a device cannot do what its token does not grant', async (t, way) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await Promise.all([softphone.device('alice', { ...way, outgoing: false }), softphone.open()]);
  await tommy.signIn('tommy', { ...way, incoming: false });
  await tommy.state('Ready for outgoing calls only');
  await alice.dial('tommy');
  await alice.notice('Error 31201');
  await alice.idle();
  await tommy.dial('tommy');
  await tommy.page.locator('#to-mistake').getByText('There is no other tommy to answer.').waitFor();
  await tommy.page.getByRole('link', { name: 'Open tommy in a new tab' }).waitFor();
  await tommy.dial('alice');
  await alice.rings('tommy');
});

eachSDK('the page cannot change a signed parameter', async (t, way) => {
  const softphone = await Softphone.start(t);
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

eachSDK('who hung up after how long, and mute', async (t, way) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy'], way);
  await alice.dial('tommy');
  await alice.state('Ringing…');
  await tommy.rings('alice');
  assert.equal(await tommy.page.title(), '☎ Call from alice – Softphone');
  await tommy.accept();
  await Promise.all([alice.talks('tommy'), tommy.talks('alice')]);
  await alice.button('Mute').click();
  await alice.page.getByRole('button', { name: 'Mute', pressed: true }).waitFor();
  await alice.page.getByText('You are muted').waitFor();
  await tommy.hangUp();
  await tommy.said(/You hung up after 0:\d\d\./);
  await alice.said(/The call with tommy ended after 0:\d\d\./);
});

eachSDK('a number that is called answers, and echoes', async (t, way) => {
  const softphone = await Softphone.start(t);
  const alice = await softphone.device('alice', way);
  await alice.dial('+1 415 555-0100');
  await alice.talks('+1 415 555-0100');
  await alice.hears(); // itself: nobody else speaks
  await alice.hangUp();
  await alice.button('+1 555 010 0001').click();
  await alice.talks('+1 555 010 0001');
});

eachSDK('digits are sent, from the keypad and from the keyboard', async (t, way) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy'], way);
  await talk(alice, tommy);
  await alice.page.getByText('Keypad').click();
  await alice.button('5').click();
  await softphone.logged('alice dials the digits 5');
  await alice.page.keyboard.type('x#');
  await softphone.logged('alice dials the digits #');
  await alice.logged('digits', { detail: '5 #' });
});

eachSDK('a microphone and a speaker are chosen, and the microphone is closed after the call', async (t, way) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy'], way);
  await alice.page.evaluate(() => {
    const { mediaDevices } = navigator;
    const { getUserMedia } = mediaDevices;
    globalThis.tracks = [];
    mediaDevices.getUserMedia = async (constraints) => {
      const stream = await getUserMedia.call(mediaDevices, constraints);
      tracks.push(...stream.getTracks());
      return stream;
    };
  });
  const open = () => alice.page.evaluate(() => tracks.filter((track) => track.readyState === 'live').map((track) => track.label));
  await alice.unfold('audio');
  await alice.page.getByLabel('Speak into').selectOption('Fake Audio Input 2');
  await alice.page.getByLabel('Listen on').selectOption('Fake Audio Output 1');
  assert.deepEqual(await open(), []); // there is no call
  await talk(alice, tommy);
  assert.ok((await open()).every((label) => label === 'Fake Audio Input 2'), await open());
  await alice.page.getByLabel('Speak into').selectOption('Fake Audio Input 1');
  await alice.page.waitForFunction(() => tracks.some((track) => track.label === 'Fake Audio Input 1'));
  await Promise.all([alice.hears(), tommy.hears()]);
  await tommy.hangUp();
  await alice.idle();
  await alice.page.waitForFunction(() => tracks.every((track) => track.readyState === 'ended'));
});

eachSDK('a call that comes in during another is accepted', async (t, way) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy, jenny] = await softphone.devices(['alice', 'tommy', 'jenny'], way);
  await talk(tommy, alice);
  await jenny.dial('alice');
  await jenny.logged('ringing');
  await alice.rings('jenny');
  await alice.button('Hang up and accept').click();
  await Promise.all([alice.talks('jenny'), jenny.talks('alice')]);
  await Promise.all([alice.hears(), jenny.hears()]);
  await tommy.said('The call with alice ended after');
  await tommy.idle();
});

eachSDK('a call that a restart of the program cuts off is over on both pages', async (t, way) => {
  const softphone = await Softphone.start(t);
  const [alice, tommy] = await softphone.devices(['alice', 'tommy'], way);
  await talk(alice, tommy);
  await softphone.stop();
  for (const phone of [alice, tommy]) {
    await phone.logged('error', { detail: '31005' });
    await phone.idle();
  }
  await alice.said('The connection to tommy was lost after');
  assert.equal(await alice.page.locator('#call-button.good').count(), 0, 'a green button while offline');
  await softphone.run(new URL(softphone.url).host);
  await Promise.all([alice, tommy].map((phone) => phone.state('Ready'))); // each comes back in its own time
  await talk(alice, tommy);
});
