// The Twilio Voice SDK 2.x, as the page uses it. sdk1.js has the same functions for 1.x.

import { load as loadSDK, localOptions, once } from './sdk.js';

let Twilio;
let options;

export const load = once(async (local) => {
  Twilio = await loadSDK('/sdk2/twilio.min.js', local);
  // Without it a call that is declined and one that rings nowhere fail with the same code.
  options = { enableImprovedSignalingErrorPrecision: true, ...(local && localOptions) };
});

// open returns a new device, and tells what it does with emit(event, detail): "incoming" with a call, "error" with a code and
// a message, and what else the SDK calls the device's state.
export function open(token, emit) {
  const device = new Twilio.Device(token, options);
  device.on('registered', () => emit('registered'));
  device.on('unregistered', () => emit('unregistered'));
  device.on('error', ({ code, description }) => emit('error', { code, message: description }));
  device.on('incoming', (call) => {
    passErrors(call, device);
    emit('incoming', call);
  });
  device.register().catch(() => {}); // why not is an event of its own
  return device;
}

// passErrors makes the errors of a call the device's too, as they are in 1.x.
function passErrors(call, device) {
  call.on('error', (error) => device.emit('error', error));
}

export function renew(device, token) {
  device.updateToken(token);
}

export async function connect(device, params) {
  const call = await device.connect({ params });
  passErrors(call, device);
  return call;
}

// status is offline, ready, or busy, as in 1.x.
export function status(device) {
  if (device.isBusy) {
    return 'busy';
  }
  return device.state === 'registered' ? 'ready' : 'offline';
}
