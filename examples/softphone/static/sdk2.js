// The Twilio Voice SDK 2.x, as the page uses it. sdk1.js has the same functions for 1.x.

import { load as loadSDK, localOptions, once } from './sdk.js';

let Twilio;
let options;

export const load = once(async (local) => {
  Twilio = await loadSDK('/sdk2/twilio.min.js', local);
  options = {
    allowIncomingWhileBusy: true,
    enableImprovedSignalingErrorPrecision: true, // otherwise a call that is declined and one that rings nowhere fail alike
    ...(local && localOptions),
  };
});

export const version = () => Twilio.Device.version;

// isSilent reports whether the browser plays no sound yet, and so no ringing.
export const isSilent = () => Twilio.Device.audioContext?.state === 'suspended';

// The events that say whether the device is ready.
export const readyEvent = 'registered';
export const offlineEvent = 'unregistered';

export function open(token) {
  const device = new Twilio.Device(token, options);
  device.on('incoming', (call) => passErrors(call, device));
  device.register().catch(() => {}); // why not is an event of its own
  return device;
}

// passErrors makes the errors of a call the device's too, as they are in 1.x.
function passErrors(call, device) {
  call.on('error', (error) => device.emit('error', error));
}

export const readError = ({ code, description }) => ({ code, message: description });

export function renew(device, token) {
  device.updateToken(token);
}

export async function connect(device, params) {
  const call = await device.connect({ params });
  passErrors(call, device);
  return call;
}

export const isReady = (device) => device.state === 'registered';
