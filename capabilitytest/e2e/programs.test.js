// What public programs do with Twilio, in our own words.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callCentre, office, response } from './place.js';

// tone is a second of a WAV file as a sound studio makes it, at 44.1 kHz.
function tone() {
  const rate = 44_100;
  const file = Buffer.alloc(44 + 2 * rate);
  file.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
  file.writeUInt32LE(file.length - 8, 4);
  file.writeUInt32LE(16, 16); // what follows: PCM, mono, …
  [1, 1].forEach((value, i) => file.writeUInt16LE(value, 20 + 2 * i));
  [rate, 2 * rate].forEach((value, i) => file.writeUInt32LE(value, 24 + 4 * i));
  [2, 16].forEach((value, i) => file.writeUInt16LE(value, 32 + 2 * i));
  file.write('data', 36);
  file.writeUInt32LE(2 * rate, 40);
  for (let i = 0; i < rate; i++) {
    file.writeInt16LE(8000 * Math.sin(2 * Math.PI * 440 * i / rate), 44 + 2 * i);
  }
  return { type: 'audio/wav', body: file };
}

for (const way of [{ sdk: 1, kind: 'capability' }, { sdk: 2, kind: 'access' }]) {
  describe(`a backend whose pages have SDK ${way.sdk}`, { concurrency: 2 }, () => {
    test('a menu: a caller enters a queue, leaves it by a key, comes back, and is taken by an agent', async (t) => {
      const place = await callCentre(t);
      const { backend } = place;
      backend.files = { '/welcome.wav': tone(), '/hold.wav': tone() };
      backend.twiml = ({ To }) => {
        const document = response();
        if (To === 'sales') {
          document.dial().queue(To);
        } else {
          document.redirect('/menu');
        }
        return document;
      };
      backend.documents = {
        '/menu': () => {
          const document = response();
          document.gather({ action: '/chosen', numDigits: 1, timeout: 60 }).play({ loop: 0 }, '/welcome.wav');
          return document;
        },
        '/chosen': ({ Digits }) => {
          const document = response();
          document.enqueue({ action: '/left', waitUrl: '/hold' }, Digits === '1' ? 'sales' : 'support');
          return document;
        },
        '/hold': () => {
          const document = response();
          document.gather({ action: '/bored', numDigits: 1, timeout: 60 }).play({ loop: 0 }, '/hold.wav');
          return document;
        },
        '/bored': () => {
          const document = response();
          document.leave();
          return document;
        },
        '/left': ({ QueueResult }) => {
          const document = response();
          if (QueueResult === 'leave') {
            document.redirect('/menu');
          }
          return document;
        },
      };
      const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
      await alice.do("phone.dial('shop')");
      await alice.event('accept');
      await alice.hears();
      await alice.do("phone.call.sendDigits('2')");
      await place.standin.says(/client:alice waits in the queue "support"[^]*client:alice hears \S+hold\.wav/);
      await alice.hears();
      await alice.do("phone.call.sendDigits('*')");
      await place.standin.says(/<Leave\/>[^]*client:alice hears \S+welcome\.wav/);
      await alice.do("phone.call.sendDigits('1')");
      await place.standin.says(/client:alice waits in the queue "sales"/);
      await tommy.do("phone.dial('sales')");
      await place.standin.says(/client:tommy and client:alice are connected/);
      await Promise.all([alice.hears(), tommy.hears()]);
      await tommy.do('phone.call.disconnect()');
      await Promise.all([alice.idle(), tommy.idle()]);
      assert.deepEqual(backend.voiceRequests.map(({ QueueResult }) => QueueResult).filter(Boolean), ['leave', 'bridged']);
      assert.doesNotMatch(place.standin.events, /cannot be decoded/);
    });

    test('a support desk: one agent declines while the caller hears music, another is away, and there is voicemail', async (t) => {
      const place = await callCentre(t);
      const { backend, client } = place;
      const { TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN } = place.standin.env;
      const headers = { authorization: `Basic ${Buffer.from(`${TWILIO_ACCOUNT_SID}:${TWILIO_AUTH_TOKEN}`).toString('base64')}` };
      backend.files['/music.mp3'] = { type: 'audio/mpeg', body: 'ID3 and music' };
      backend.twiml = () => {
        const document = response();
        document.enqueue({ action: '/left', waitUrl: '/music' }, 'desk');
        return document;
      };
      let message;
      const told = new Promise((resolve) => {
        message = resolve;
      });
      backend.documents = {
        '/left': () => response(),
        '/music': () => {
          const document = response();
          document.play({ loop: 0 }, '/music.mp3');
          return document;
        },
        '/agent': () => {
          const document = response();
          document.dial().queue('desk');
          return document;
        },
        '/agent-status': async ({ CallStatus }) => {
          const { callSid } = await client.queues((await client.queues.list())[0].sid).members('Front').fetch();
          await client.calls(callSid).update({ url: `${backend.url}/${CallStatus === 'busy' ? 'second' : 'sorry'}` });
          return response();
        },
        '/second': () => {
          const document = response();
          document.dial({ action: '/voicemail' }).client('bob');
          return document;
        },
        '/voicemail': ({ DialCallStatus }) => {
          const document = response();
          document.say(`Sorry: ${DialCallStatus}`);
          document.record({ action: '/thanks', maxLength: 4, recordingStatusCallback: '/recorded' });
          return document;
        },
        '/recorded': (form) => {
          message(form);
          return response();
        },
        '/thanks': async () => {
          const { RecordingUrl } = await told;
          backend.files['/message.wav'] = { type: 'audio/wav', body: Buffer.from(await (await fetch(RecordingUrl, { headers })).arrayBuffer()) };
          const document = response();
          document.play({ loop: 0 }, '/message.wav');
          return document;
        },
      };
      const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
      await alice.do("phone.dial('desk')");
      await alice.event('accept');
      await place.standin.says(/cannot be decoded, so that a tone takes its place: .*MP3/);
      await alice.hears();
      await client.calls.create({ to: 'client:tommy', from: office, url: `${backend.url}/agent`, statusCallback: `${backend.url}/agent-status` });
      await tommy.event(`incoming ${office}`);
      await tommy.do('phone.call.reject()');
      await place.standin.says(/no device is registered as "bob"[^]*client:alice is told "Sorry: no-answer"/);
      await alice.hears();
      await place.standin.says(/client:alice hears \S+message\.wav/);
      await alice.hears();
      await alice.do('phone.call.disconnect()');
      await alice.idle();
      const { RecordingSid, RecordingUrl, RecordingDuration } = await told;
      assert.equal((await fetch(RecordingUrl)).status, 401);
      assert.equal(backend.files['/message.wav'].body.toString('latin1', 0, 4), 'RIFF');
      assert.deepEqual((await client.recordings.list()).map(({ sid, duration }) => [sid, duration]), [[RecordingSid, RecordingDuration]]);
      assert.ok(await client.recordings(RecordingSid).remove());
    });

    test('an agent hears a whisper, and another takes the call afterwards', async (t) => {
      const place = await callCentre(t);
      const { backend } = place;
      backend.twiml = () => {
        const document = response();
        document.dial({ answerOnBridge: true }).client({ url: '/whisper' }, 'tommy');
        document.dial().client('tommy');
        return document;
      };
      backend.documents['/whisper'] = ({ Digits }) => {
        const document = response();
        if (!Digits) {
          document.gather({ numDigits: 1, timeout: 60 }).say({ loop: 0 }, 'Press a key to take a call of the shop');
        }
        return document;
      };
      const [alice, tommy] = await Promise.all([place.open('alice', way), place.open('tommy', way)]);
      await alice.do("phone.dial('shop')");
      await tommy.event('incoming client:alice');
      await tommy.do('phone.call.accept()');
      await tommy.hears();
      assert.ok(!(await alice.do('phone.events')).includes('accept'));
      assert.equal((await alice.do('sound()')).energy, 0);
      await tommy.do("phone.call.sendDigits('1')");
      await alice.event('accept');
      await Promise.all([alice.hears(), tommy.hears()]);
      await tommy.do('phone.call.disconnect()');
      await tommy.event('incoming client:alice', 2);
      await tommy.do('phone.call.accept()');
      await tommy.hears();
      await alice.hears();
      await tommy.do('phone.call.disconnect()');
      await Promise.all([alice.idle(), tommy.idle()]);
    });

    test('a conference of a customer, an agent, and a supervisor whom the agent alone hears', async (t) => {
      const place = await callCentre(t);
      const { backend, client } = place;
      const sids = {};
      backend.twiml = ({ From, CallSid }) => {
        sids[From] = CallSid;
        const document = response();
        const supervises = From === 'client:bob' ? { coach: sids['client:tommy'], muted: true } : {};
        document.dial().conference({ beep: false, waitUrl: '', ...supervises }, 'room');
        return document;
      };
      backend.documents['/hold'] = () => {
        const document = response();
        document.pause({ length: 60 });
        return document;
      };
      const [alice, tommy, bob] = await Promise.all(['alice', 'tommy', 'bob'].map((name) => place.open(name, way)));
      await Promise.all([alice, tommy].map((phone) => phone.do("phone.dial('room')")));
      await Promise.all([alice.hears(), tommy.hears()]);
      await bob.do("phone.dial('room')");
      await bob.hears();
      const [{ sid }] = await client.conferences.list({ friendlyName: 'room', status: 'in-progress' });
      const members = client.conferences(sid).participants;

      await members(sids['client:alice']).update({ hold: true, holdUrl: `${backend.url}/hold` });
      await Promise.all([alice.silent(), tommy.silent(), bob.hears()]); // bob is muted

      await members(sids['client:alice']).update({ hold: false });
      await Promise.all([alice.hears(), tommy.hears()]);
      await Promise.all([alice, tommy].map((phone) => phone.do('phone.call.mute(true)')));
      await members(sids['client:bob']).update({ muted: false });
      await Promise.all([alice.silent(), tommy.hears(), bob.silent()]);
      for (const phone of [alice, tommy, bob]) {
        await phone.do('phone.call.disconnect()');
        await phone.idle();
      }
    });

    test('a click calls the agent, and then a number', async (t) => {
      const place = await callCentre(t);
      const { backend, client } = place;
      backend.documents['/connect'] = () => {
        const document = response();
        document.dial().number('+15550100009'); // which echoes
        return document;
      };
      const tommy = await place.open('tommy', way);
      const call = await client.calls.create({ to: 'client:tommy', from: office, url: `${backend.url}/connect` });
      await tommy.event(`incoming ${office}`);
      await tommy.do('phone.call.accept()');
      let child;
      await place.eventually(async () => {
        [child] = await client.calls.list({ parentCallSid: call.sid, status: 'in-progress' });
        return child;
      });
      assert.deepEqual([child.to, child.from, child.direction], ['+15550100009', office, 'outbound-dial']);
      await tommy.hears();
      if (way.sdk === 2) {
        await tommy.do("phone.call.sendMessage({ content: { note: 'hello' }, messageType: 'user-defined-message' })");
        await place.standin.says(/client:tommy sends the call message .*hello/);
        await client.calls(call.sid).userDefinedMessages.create({ content: JSON.stringify({ case: 7 }) });
        await tommy.until('phone.messages.length > 0');
        assert.deepEqual(await tommy.do('phone.messages'), [{ case: 7 }]);
      }
      await client.calls(call.sid).update({ status: 'completed' });
      await tommy.idle();
    });
  });
}
