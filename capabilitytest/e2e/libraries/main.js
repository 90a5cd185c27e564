// What the test asks of npm's twilio. Prints what it found as JSON.
import { newClient } from './client.js';

const client = newClient();
const [office, url] = process.argv.slice(2);
const found = {};

for (let i = 0; i < 120; i++) {
  await client.calls.create({ to: 'client:nobody', from: office, url });
}
const calls = await client.calls.list({ to: 'client:nobody', pageSize: 50 });
found.calls = new Set(calls.map((call) => call.sid)).size;
let each = 0;
await new Promise((resolve) => { client.calls.each({ pageSize: 7, limit: 100, callback: () => { each++; }, done: resolve }); });
found.each = each;
const call = await client.calls(calls[0].sid).fetch();
found.call = [call.status, call.direction, call.dateCreated instanceof Date, call.subresourceUris.recordings.includes(call.sid)];
try {
  await call.update({ status: 'completed' });
} catch ({ status, code, moreInfo }) {
  found.error = [status, code, moreInfo];
}
found.removed = await call.remove();

const queue = await client.queues.create({ friendlyName: 'shop', maxSize: 5 });
found.queue = [queue.friendlyName, queue.maxSize, (await client.queues(queue.sid).members.list()).length, await client.queues(queue.sid).remove()];

const participant = await client.conferences('room').participants.create({ from: office, to: '+15550100009', label: 'agent', beep: 'false' });
const agent = client.conferences(participant.conferenceSid).participants('agent');
let joined = participant;
while (joined.status !== 'connected') {
  joined = await agent.fetch();
}
const muted = await agent.update({ muted: true, hold: true });
found.participant = [joined.label, muted.muted, muted.hold, await agent.remove()];
const conference = (await client.conferences.list({ friendlyName: 'room' }))[0];
found.conference = [conference.sid === participant.conferenceSid, conference.friendlyName];

found.recordings = (await client.recordings.list()).length;
const [number] = await client.incomingPhoneNumbers.list({ phoneNumber: office });
found.number = [(await client.incomingPhoneNumbers(number.sid).update({ voiceUrl: url, friendlyName: 'desk' })).voiceUrl === url, number.capabilities.voice];
const application = await client.applications(process.env.TWILIO_TWIML_APP_SID).update({ voiceUrl: url, voiceMethod: 'GET' });
found.application = [application.voiceUrl === url, application.voiceMethod];
console.log(JSON.stringify(found));
