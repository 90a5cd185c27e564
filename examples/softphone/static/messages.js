// What the page says to people. The codes are Twilio's; what is said and what to do is ours.

import { duration } from './format.js';

const newOne = ({ again }) => (again ? '' : ' The page fetches a new one.');
const token = (about) => `The gateway refused the token.${newOne(about)}`;
const expired = (about) => (about.onCall
  ? 'The token has expired. This call goes on; for other calls the page fetches a new token.'
  : `The token has expired.${newOne(about)}`);
const noOutgoing = () => 'Your token does not let this device make calls. Sign in with “make calls”.';
const lost = ({ never }) => `${never ? 'The gateway cannot be reached.' : 'The connection to the gateway was lost.'} The page tries again by itself.`;
const declined = ({ peer }) => `${peer} declined the call.`;
const noMicrophone = () => 'The page may not use the microphone. Allow it in the browser, then try again.';
const noSound = () => 'The sound was cut off. Check the network, then call again.';

const messages = {
  11200: () => 'The voice URL did not answer as it should. Look at the log of the backend.',
  20101: token,
  20104: expired,
  20151: noOutgoing,
  31002: declined,
  31003: noSound,
  31005: lost,
  31007: () => 'Twilio has shut down SDK 1.x. Sign out, and sign in with SDK 2.x.',
  31009: lost,
  31201: noOutgoing,
  31202: token,
  31203: token,
  31204: token,
  31205: expired,
  31208: noMicrophone,
  31401: noMicrophone,
  31402: noMicrophone,
  31404: ({ peer }) => `No device is signed in as ${peer}. Check the name, or try again later.`,
  31480: ({ peer }) => `${peer} did not answer. Try again later.`,
  31486: ({ peer }) => `${peer} is on another call. Try again later.`,
  31603: declined,
  53000: lost,
  53001: lost,
  53405: noSound,
};

// explain returns a sentence for an error, if there is one. peer is whom the last call went to; again is whether an earlier
// token was refused too, and never whether the device has not been registered yet.
export function explain(code, message, { peer, ...about }) {
  // SDK 1.x has 31201 for the microphone too.
  const sentence = code === 31201 && /microphone/i.test(message) ? noMicrophone : messages[code];
  const own = sentence?.({ peer: peer || 'The other side', ...about });
  return own ?? `${message.charAt(0).toUpperCase()}${message.slice(1)}.`.replace(/\.\.$/, '.');
}

export const isExpired = (code) => messages[code] === expired;

// isBadToken reports whether another token may help.
export const isBadToken = (code) => messages[code] === token || isExpired(code);

// isLost reports whether the gateway is out of reach. SDKs report a lost connection as 31000 too.
export const isLost = (code) => messages[code] === lost || code === 31000;

// isPassing reports whether an error is over when the device is ready again.
export const isPassing = (code) => isBadToken(code) || isLost(code);

// isAbsent reports whether nobody of that name was there to answer.
export const isAbsent = (code) => code === 31404 || code === 31486;

// endOf says how a call ended, '' if nothing is left to say. Who hung up, and whether a call that rang was given up or answered
// elsewhere, the SDKs do not tell.
export function endOf({ peer, incoming, since, hungUp, rejected, cancelled, lost, explained }) {
  if (cancelled && incoming) {
    return `The call from ${peer} ended before it was answered here.`;
  }
  if (since === null) {
    const cutOff = incoming ? `The call from ${peer} was cut off.` : `The call to ${peer} was cut off. Call again.`;
    return hungUp || rejected || explained ? '' : cutOff;
  }
  const length = duration(Date.now() - since);
  if (hungUp) {
    return `You hung up after ${length}.`;
  }
  return lost ? `The connection to ${peer} was lost after ${length}.` : `The call with ${peer} ended after ${length}.`;
}

// offline says what goes on while a device is offline, and what one can do about it.
export const offline = {
  lost: { text: 'Trying again…', button: 'Try now' },
  refused: { text: 'This device is not registered.', button: 'Try again' },
  unregistered: { // without an error
    text: 'The connection was lost, or another device has taken this place: at most 10 can share a name.',
    button: 'Register again',
  },
};

const phoneNumber = /^[+(]?[0-9][0-9 ()-]{2,19}$/; // as in voice.go

// nameMistake returns what is wrong with a client name, '' if nothing is. Twilio allows longer names in capability tokens.
export function nameMistake(name, kind = 'capability') {
  const most = kind === 'access' ? 121 : 256;
  if (name === '') {
    return 'Enter a name.';
  }
  if (!/^[A-Za-z0-9_]*$/.test(name)) {
    return 'Use only letters (a to z), digits and _, with no spaces.';
  }
  if (phoneNumber.test(name)) {
    return 'Use at least one letter: a call to this name would go to a phone number.';
  }
  return name.length > most ? `Use at most ${most} characters: this name has ${name.length}.` : '';
}

// numberOrNameMistake is nameMistake for whom to call.
export const numberOrNameMistake = (to) => (phoneNumber.test(to) ? '' : nameMistake(to));
