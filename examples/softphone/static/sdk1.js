// The Twilio Client SDK 1.x, as the page uses it. sdk2.js has the same functions for 2.x.

import { load as loadSDK, localOptions, once } from './sdk.js';

let Twilio;
let options;

export const load = once(async (local) => {
  Twilio = await loadSDK('/sdk1/twilio.min.js', local);
  options = { enableRingingState: true, ...(local && localOptions) };
});

// open returns a new device, and tells what it does with emit(event, detail): "incoming" with a call, "error" with a code and
// a message, and what else the SDK calls the device's state.
export function open(token, emit) {
  const device = new Twilio.Device();
  for (const event of ['ready', 'offline', 'incoming', 'error']) {
    device.on(event, (detail) => emit(event, detail));
  }
  device.setup(token, options);
  return device;
}

export function renew(device, token) {
  device.setup(token, options);
}

export async function connect(device, params) {
  return device.connect(params);
}

// status is offline, ready, or busy.
export function status(device) {
  return device.status();
}
