import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { callCentre, office, response, talk } from './place.js';

const conference = (name, attributes = {}) => {
  const document = response();
  document.dial().conference({ beep: false, waitUrl: '', ...attributes }, name);
  return document;
};

for (const way of [{ sdk: 1, kind: 'capability' }, { sdk: 2, kind: 'access' }]) {
  describe(`a backend that uses the REST API, and pages with SDK ${way.sdk}`, { concurrency: 2 }, () => {
    test('rings an agent, and bridges them to a caller in a queue', async (t) => {
      const place = await callCentre(t);
      place.backend.twiml = () => {
        const document = response();
        document.enqueue('support');
        return document;
      };
      place.backend.documents['/agent'] = () => {
        const document = response();
        document.dial().queue('support');
        return document;
      };
      const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
      await alice.do("phone.dial('support')");
      await alice.event('accept');
      await alice.hears(); // music
      const [queue] = await place.client.queues.list();
      assert.deepEqual([queue.friendlyName, queue.currentSize], ['support', 1]);

      const call = await place.client.calls.create({ to: 'client:tommy?topic=tea+%26+cake', from: office, url: `${place.backend.url}/agent` });
      await tommy.event(`incoming ${office}`);
      assert.equal(await tommy.do('phone.topic'), 'tea & cake');
      assert.equal(await tommy.do('phone.call.parameters.CallSid'), call.sid);
      await tommy.do('phone.call.accept()');
      await Promise.all([alice.hears(), tommy.hears()]);
      assert.equal((await place.client.queues(queue.sid).fetch()).currentSize, 0);
      assert.equal((await place.client.calls(call.sid).fetch()).status, 'in-progress');
      await tommy.do('phone.call.disconnect()');
      await place.eventually(async () => (await place.client.calls(call.sid).fetch()).status === 'completed');
      await alice.idle();
    });

    test('holds and resumes by moving both legs to a conference, and transfers to a second agent', async (t) => {
      const place = await callCentre(t);
      place.backend.twiml = ({ DialCallStatus, To }) => {
        if (DialCallStatus) {
          return conference('transfer');
        }
        const document = response();
        document.dial({ action: '/voice' }).client(To);
        return document;
      };
      place.backend.documents['/music'] = () => {
        const document = response();
        document.say('You are on hold. '.repeat(50));
        return document;
      };
      const [alice, tommy] = await talk(place, way);
      const bob = await place.open('bob', way);
      const caller = (await place.client.calls.list({ from: 'client:alice' })).find(({ direction }) => direction === 'inbound');
      const [agent] = await place.client.calls.list({ parentCallSid: caller.sid });
      await place.client.calls(agent.sid).update({ twiml: conference('transfer').toString() });
      let room;
      await place.eventually(async () => {
        [room] = await place.client.conferences.list({ friendlyName: 'transfer', status: 'in-progress' });
        return room;
      });
      const members = place.client.conferences(room.sid).participants;
      await Promise.all([alice.hears(), tommy.hears()]);

      await members(caller.sid).update({ hold: true, holdUrl: `${place.backend.url}/music` });
      await alice.hears(); // music
      await tommy.silent();
      await members(caller.sid).update({ hold: false });
      await Promise.all([alice.hears(), tommy.hears()]);

      await members.create({ from: office, to: 'client:bob', label: 'bob', beep: 'false' });
      await bob.event(`incoming ${office}`);
      await bob.do('phone.call.accept()');
      await Promise.all([alice, tommy, bob].map((page) => page.hears()));
      assert.equal((await members.list()).length, 3);
      await tommy.do('phone.call.disconnect()');
      await tommy.idle();
      await Promise.all([alice.hears(), bob.hears()]);
      assert.equal((await members.list()).length, 2);
    });

    test('kicks a participant', async (t) => {
      const place = await callCentre(t);
      place.backend.twiml = () => conference('meeting');
      const pages = await Promise.all(['alice', 'tommy', 'bob'].map((name) => place.open(name, way)));
      for (const page of pages) {
        await page.do("phone.dial('meeting')");
      }
      await Promise.all(pages.map((page) => page.event('accept')));
      await Promise.all(pages.map((page) => page.hears()));
      const [alice, tommy, bob] = pages;
      const [{ sid }] = await place.client.conferences.list({ friendlyName: 'meeting' });
      const room = place.client.conferences(sid);
      const members = room.participants;
      const [caller] = await place.client.calls.list({ from: 'client:alice' });
      await members(caller.sid).update({ muted: true });
      await members(caller.sid).remove();
      await alice.idle();
      assert.equal((await members.list()).length, 2);
      await Promise.all([tommy.hears(), bob.hears()]);
      await room.update({ status: 'completed' });
      await Promise.all([tommy.idle(), bob.idle()]);
      assert.equal((await room.fetch()).reasonConferenceEnded, 'conference-ended-via-api');
    });
  });
}

describe('a helper library, unmodified', () => {
  for (const [name, command] of Object.entries({
    'npm twilio': [process.execPath, 'libraries/main.js'],
    'python3-twilio': ['/usr/bin/python3', 'libraries/main.py'],
    'twilio-go': ['bin/libraries'],
  })) {
    test(name, async (t) => {
      const place = await callCentre(t);
      const { stdout } = await promisify(execFile)(command[0], [...command.slice(1), office, `${place.backend.url}/hello`], { env: place.standin.env });
      assert.deepEqual(JSON.parse(stdout), {
        calls: 120,
        each: 100,
        call: ['no-answer', 'outbound-api', true, true],
        error: [400, 21220, 'https://www.twilio.com/docs/errors/21220'],
        removed: true,
        queue: ['shop', 5, 0, true],
        participant: ['agent', true, true, true],
        conference: [true, 'room'],
        recordings: 0,
        number: [true, true],
        application: [true, 'GET'],
      });
    });
  }
});
