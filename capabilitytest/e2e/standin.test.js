import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lost, refused, response, setUp, talk, ways } from './place.js';

describe('an unmodified page', { concurrency: 2 }, () => {
  for (const way of ways) {
    test(`calls with SDK ${way.sdk} and a token of kind ${way.kind}`, async (t) => {
      const place = await setUp(t, { expected: [refused] });
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
    });

    test(`is told something, presses a key and hears nothing more, with SDK ${sdk}`, async (t) => {
      const place = await setUp(t);
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
      await alice.silent();
      assert.equal(place.backend.voiceRequests.at(-1).Digits, '1');
      await alice.do('phone.call.disconnect()');
      await alice.idle();
    });
  }

  for (const sdk of [1, 2]) {
    test(`is rejected, with SDK ${sdk}`, async (t) => {
      const place = await setUp(t, { expected: [refused] });
      place.backend.twiml = ({ To }) => {
        const answer = response();
        answer.reject({ reason: To });
        return answer.toString();
      };
      const alice = await place.open('alice', { sdk, kind: 'access' });
      for (const reason of ['busy', 'rejected']) {
        await alice.do(`phone.dial('${reason}')`);
        await alice.idle();
      }
      await place.standin.says(/is over: busy, 31486[^]*is over: no-answer, 31002/);
      const codes = sdk === 1 ? [31486, 31002] : [31005, 31005]; // SDK 2.x hides why
      assert.deepEqual(await alice.do('phone.events.filter((event) => /accept|call-error/.test(event))'), codes.map((code) => `call-error ${code}`));
    });
  }

  for (const way of ways.filter(({ kind }) => kind === 'access')) {
    test(`keeps its call when a socket is lost for a moment, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t, { expected: [lost] });
      const [alice, tommy] = await talk(place, way);
      await alice.do('cut()');
      await tommy.do('cut()');
      await Promise.all([alice.event('registered', 2), tommy.event('registered', 2)]);
      if (way.sdk === 2) {
        await Promise.all([alice.event('reconnected'), tommy.event('reconnected')]);
        await alice.do('restartICE()');
        await alice.event('reconnected', 2);
      }
      await alice.hears();
      assert.ok(await alice.do('phone.busy()'));
      await alice.do('phone.call.disconnect()');
      await Promise.all([alice.idle(), tommy.idle()]);
      await tommy.do("phone.dial('alice')");
      await alice.event('incoming client:tommy');
    });

    test(`loses its call with a socket that stays away, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t, { expected: [lost] });
      const [alice, tommy] = await talk(place, way);
      await alice.do('unplugged = true; cut()');
      await tommy.idle(); // 15 s later
      await alice.do('unplugged = false');
      if (way.sdk === 2) { // SDK 1.x says nothing of its call, and gives it up when the sound stops
        await alice.idle();
      }
    });

    test(`has no call after the stand-in was stopped, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t, { expected: [refused, lost] });
      const [alice, tommy] = await talk(place, way);
      assert.equal(await place.standin.stop(), 0);
      await Promise.all([alice.idle(), tommy.idle()]);
      await place.restart();
      await Promise.all([alice.event('registered', 2), tommy.event('registered', 2)]);
    });

    test(`lives with a socket that is closed when its token expires, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t, { args: ['-close-on-refusal'], ttl: 5, expected: [refused, lost] });
      const alice = await place.open('alice', way);
      place.backend.ttl = 3600;
      await alice.do('phone.renewOnceRefused()');
      await alice.event(`error ${way.sdk === 1 ? 31205 : 20104}`);
      await alice.event('registered', 2);
    });
  }

  test('has no call after the stand-in has crashed and is back, with SDK 2', async (t) => {
    const place = await setUp(t, { expected: [refused, lost] });
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

  test('is registered again when it comes back from the back/forward cache, with SDK 2', async (t) => {
    const place = await setUp(t);
    const alice = await place.open('alice', { sdk: 2, kind: 'access' });
    await alice.page.goto(place.backend.env.STANDIN_URL);
    await place.standin.says(/alice is no longer registered/);
    await alice.page.goBack({ waitUntil: 'commit' }); // there is nothing to load
    await alice.event('registered', 2);
  });

  test('is told before its token expires, with SDK 2', async (t) => {
    const place = await setUp(t, { ttl: 12 });
    const alice = await place.open('alice', { sdk: 2, kind: 'capability' });
    await alice.event('tokenWillExpire');
  });

  for (const way of ways.filter(({ kind }) => kind === 'access')) {
    test(`is told that it calls itself, or somebody who dials, with SDK ${way.sdk}`, async (t) => {
      const place = await setUp(t, { expected: [refused] });
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
      const place = await setUp(t, { expected: [refused, lost] });
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
      const place = await setUp(t, { expected: [refused] });
      const way = { sdk, kind: 'capability' };
      const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
      await Promise.all([alice.do("phone.dial('tommy')"), tommy.do("phone.dial('alice')")]);
      await place.standin.says(/31486/);
    });
  }
});
