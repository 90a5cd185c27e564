// What the page says to people. The codes are Twilio's; what is said and what to do is ours.

const token = 'Twilio refused the token. The page fetches a new one.';
const expired = 'The token has expired. The page fetches a new one.';
const noOutgoing = 'Your token does not let this device make calls. Sign in with “make calls”.';

const messages = {
  20101: () => token,
  20104: () => expired,
  20151: () => noOutgoing,
  31002: (peer) => `${peer} declined the call.`,
  31005: () => 'The connection to the gateway was lost. The page tries again by itself.',
  31201: () => noOutgoing,
  31202: () => token,
  31203: () => token,
  31204: () => token,
  31205: () => expired,
  31402: () => 'The page may not use the microphone. Allow it in the browser, then call again.',
  31404: (peer) => `${peer} is not signed in.`,
  31401: () => 'The page may not use the microphone. Allow it in the browser, then call again.',
  31480: (peer) => `${peer} did not answer.`,
  31486: (peer) => `${peer} is on another call.`,
  31603: (peer) => `${peer} declined the call.`,
};

// refused are the codes of a token that another one may cure, expired those of one that ran out.
export const refused = [20101, 31202, 31203, 31204];
export const expiredCodes = [20104, 31205];

// explain returns a sentence for an error, as far as there is one.
export function explain(code, message, peer) {
  return messages[code]?.(peer || 'The other side') ?? `${message}.`.replace(/\.\.$/, '.');
}

// nameMistake returns what is wrong with a client name, '' if nothing is.
export function nameMistake(name) {
  if (name === '') {
    return 'Enter a name.';
  }
  return /^[A-Za-z0-9_]{1,256}$/.test(name) ? '' : 'Use only letters (a to z), digits and _, at most 256 of them, without blanks.';
}

// numberOrNameMistake is nameMistake for whom to call.
export function numberOrNameMistake(to) {
  return /^\+?[0-9 ()-]{3,20}$/.test(to) ? '' : nameMistake(to);
}
