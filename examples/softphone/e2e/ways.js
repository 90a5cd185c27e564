// The ways to sign in that are tested: each SDK with each kind of token.

import { test } from 'node:test';

const foreignAccount = 'AC00000000000000000000000000000002';
const capabilityToken = {
  token: 'Capability token',
  tampered: { scope: 'scope:client:incoming?clientName=tommy' },
  foreign: { iss: foreignAccount },
  shown: ({ iss, scope }) => [iss, ...scope.split(' '), 'the auth token of the account'],
};
const accessToken = {
  token: 'Access Token',
  tampered: { grants: { identity: 'tommy', voice: { incoming: { allow: true } } } },
  foreign: { sub: foreignAccount },
  shown: ({ iss, sub, grants: { voice } }) => [sub, JSON.stringify(voice.outgoing), `the API key ${iss}`],
};
const sdk1 = { sdk: 'SDK 1.15.1', ready: 'ready', expired: '31205' };
const sdk2 = { sdk: 'SDK 2.18.5', ready: 'registered', expired: '20104' };
export const ways = [sdk1, sdk2].flatMap((sdk) => [capabilityToken, accessToken].map((token) => ({ ...sdk, ...token })));
export const [oldWay, , , newWay] = ways;

function testIn(someWays, name, run) {
  for (const way of someWays) {
    test(`${name} (${way.sdk}, ${way.token})`, (t) => run(t, way));
  }
}

export const eachWay = (name, run) => testIn(ways, name, run);

// eachSDK is for what the kind of the token has no part in.
export const eachSDK = (name, run) => testIn([oldWay, newWay], name, run);

// What the program is given when it is to ask Twilio.
export const account = {
  TWILIO_ACCOUNT_SID: 'AC00000000000000000000000000000001',
  TWILIO_AUTH_TOKEN: 'of-no-account',
  TWILIO_TWIML_APP_SID: 'AP00000000000000000000000000000001',
};
export const apiKey = { TWILIO_API_KEY: 'SK00000000000000000000000000000001', TWILIO_API_SECRET: 'of-no-account' };
