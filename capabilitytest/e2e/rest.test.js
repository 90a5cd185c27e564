import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import twilio from 'twilio';
import { newClient } from './libraries/client.js';
import { setUp, talk } from './place.js';

const office = '+15550100000';
const response = () => new twilio.twiml.VoiceResponse();

// callCentre is a backend with a number, and a client of the REST API.
async function callCentre(t) {
  const place = await setUp(t, { args: ['-number', `${office}=http://127.0.0.1:9/voice`] });
  place.client = newClient(place.standin.env);
  return place;
}

// eventually waits until a condition, of REST, holds.
async function eventually(place, condition) {
  for (let tries = 0; !await condition(); tries++) {
    assert.ok(tries < 400, place.standin.events);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

const conference = (name, attributes = {}) => {
  const document = response();
  document.dial().conference({ beep: false, waitUrl: '', ...attributes }, name);
  return document;
};

// hears waits until a page hears something from now on.
const hears = async (phone) => {
  await phone.do('phone.sample = null');
  await phone.until('phone.sample?.audioOutputLevel > 0');
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
      await eventually(place, async () => (await place.client.calls(call.sid).fetch()).status === 'completed');
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
      await eventually(place, async () => {
        [room] = await place.client.conferences.list({ friendlyName: 'transfer', status: 'in-progress' });
        return room;
      });
      const members = place.client.conferences(room.sid).participants;
      await Promise.all([hears(alice), hears(tommy)]);

      await members(caller.sid).update({ hold: true, holdUrl: `${place.backend.url}/music` });
      await hears(alice); // music
      await tommy.silent();
      await members(caller.sid).update({ hold: false });
      await Promise.all([hears(alice), hears(tommy)]);

      await members.create({ from: office, to: 'client:bob', label: 'bob', beep: 'false' });
      await bob.event(`incoming ${office}`);
      await bob.do('phone.call.accept()');
      await Promise.all([alice, tommy, bob].map(hears));
      assert.equal((await members.list()).length, 3);
      await tommy.do('phone.call.disconnect()');
      await tommy.idle();
      await Promise.all([hears(alice), hears(bob)]);
      assert.equal((await members.list()).length, 2);
    });

    test('calls a number for a page (click to call)', async (t) => {
      const place = await callCentre(t);
      place.backend.documents['/connect'] = () => {
        const document = response();
        document.dial().number('+15550100009'); // which echoes
        return document;
      };
      const tommy = await place.open('tommy', way);
      const call = await place.client.calls.create({ to: 'client:tommy', from: office, url: `${place.backend.url}/connect` });
      await tommy.event(`incoming ${office}`);
      await tommy.do('phone.call.accept()');
      let child;
      await eventually(place, async () => {
        [child] = await place.client.calls.list({ parentCallSid: call.sid, status: 'in-progress' });
        return child;
      });
      assert.deepEqual([child.to, child.from, child.direction], ['+15550100009', office, 'outbound-dial']);
      await hears(tommy);
      await place.client.calls(call.sid).update({ status: 'completed' });
      await tommy.idle();
    });

    test('kicks a participant', async (t) => {
      const place = await callCentre(t);
      place.backend.twiml = () => conference('meeting');
      const pages = await Promise.all(['alice', 'tommy', 'bob'].map((name) => place.open(name, way)));
      for (const page of pages) {
        await page.do("phone.dial('meeting')");
      }
      await Promise.all(pages.map((page) => page.event('accept')));
      await Promise.all(pages.map(hears));
      const [alice, tommy, bob] = pages;
      const [{ sid }] = await place.client.conferences.list({ friendlyName: 'meeting' });
      const room = place.client.conferences(sid);
      const members = room.participants;
      const [caller] = await place.client.calls.list({ from: 'client:alice' });
      await members(caller.sid).update({ muted: true });
      await members(caller.sid).remove();
      await alice.idle();
      assert.equal((await members.list()).length, 2);
      await Promise.all([hears(tommy), hears(bob)]);
      await room.update({ status: 'completed' });
      await Promise.all([tommy.idle(), bob.idle()]);
      assert.equal((await room.fetch()).reasonConferenceEnded, 'conference-ended-via-api');
    });

    test('fetches a voicemail', async (t) => {
      const place = await callCentre(t);
      const { STANDIN_URL, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN } = place.standin.env;
      place.backend.twiml = () => {
        const document = response();
        document.record({ timeout: 0 });
        return document;
      };
      const alice = await place.open('alice', way);
      await alice.do("phone.dial('voicemail')");
      await alice.event('accept');
      await place.standin.says(/recording of the call/);
      await alice.until('phone.sample?.totals.bytesSent > 40_000'); // 5 s, in which the microphone beeps every second
      await alice.do('phone.call.disconnect()');
      let recording;
      await eventually(place, async () => {
        [recording] = await place.client.recordings.list();
        return recording?.status === 'completed';
      });
      assert.ok(Number(recording.duration) >= 1);
      assert.ok(recording.mediaUrl.startsWith(STANDIN_URL));
      const refused = await fetch(`${recording.mediaUrl}.wav`);
      assert.equal(refused.status, 401);
      const authorization = `Basic ${Buffer.from(`${TWILIO_ACCOUNT_SID}:${TWILIO_AUTH_TOKEN}`).toString('base64')}`;
      const wav = Buffer.from(await (await fetch(`${recording.mediaUrl}.wav`, { headers: { authorization } })).arrayBuffer());
      assert.equal(wav.toString('latin1', 0, 4), 'RIFF');
      assert.ok(wav.length > 16_000);
      assert.ok(await place.client.recordings(recording.sid).remove());
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
