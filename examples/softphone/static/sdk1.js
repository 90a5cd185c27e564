// The Twilio Client SDK 1.x, as the page uses it. sdk2.js has the same functions for 2.x.

import { load as loadSDK, localOptions, once } from './sdk.js';

let Twilio;
let options;

export const load = once(async (local) => {
  Twilio = await loadSDK('/sdk1/twilio.min.js', local);
  options = { enableRingingState: true, allowIncomingWhileBusy: true, ...(local && localOptions) };
});

export const version = () => Twilio.Device.version;

// isSilent reports whether the browser plays no sound yet, and so no ringing.
export const isSilent = () => Twilio.Device.audioContext?.state === 'suspended';

// The events that say whether the device is ready.
export const readyEvent = 'ready';
export const offlineEvent = 'offline';

export function open(token) {
  const device = new Twilio.Device();
  device.setup(token, options);
  return device;
}

export const readError = ({ code, message }) => ({ code, message });

export function renew(device, token) {
  device.setup(token, options);
}

export async function connect(device, params) {
  return device.connect(params);
}

export const isReady = (device) => device.status() !== 'offline'; // it is busy on a call
