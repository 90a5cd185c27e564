// A session is one who has signed in in this tab, with a device of an SDK and its calls. All that it keeps is in here, and ends
// with it.

import { clock, peer } from './format.js';
import { endOf, explain, isBadToken, isExpired, isPassing } from './messages.js';
import * as sdk1 from './sdk1.js';
import * as sdk2 from './sdk2.js';
import { readToken } from './token.js';

const sdks = { 1: sdk1, 2: sdk2 };

export class Session {
  // The choice is a client name, an SDK, what the token grants, and the ID of a session that goes on. The listener is told what
  // changes.
  constructor(choice, listener, config) {
    this.choice = choice;
    this.listener = listener;
    this.config = config;
    this.sdk = sdks[choice.sdk];
    this.device = null;
    this.token = null;
    this.ringing = [];
    this.call = null;
    this.dialled = ''; // whom the last call went to
    this.dialling = false;
    this.renewal = 0;
    this.mayRenewAtOnce = true; // a bad token is replaced at once, but not again and again
    this.said = ['']; // what is shown when nothing is wrong
    this.troubled = false; // something passing is shown instead
    this.over = false;
  }

  get name() {
    return this.choice.name;
  }

  async start() {
    const { local } = await this.lasting(this.config);
    const loaded = await this.lasting(this.sdk.load(local).then(() => true, () => false));
    if (!loaded) {
      this.end('The backend cannot be reached.');
      return;
    }
    await this.renew();
  }

  signOut() {
    this.request('session', { method: 'DELETE' });
    this.end('');
  }

  end(why) {
    this.over = true;
    clearTimeout(this.renewal);
    this.device?.destroy();
    this.listener.ended(why);
  }

  // lasting returns what the promise does. What comes after it does not happen if the session has ended meanwhile.
  async lasting(promise) {
    const value = await promise;
    return this.over ? new Promise(() => {}) : value;
  }

  // on handles an event of a device or a call until the session ends.
  on(emitter, event, handle) {
    emitter.on(event, (...args) => this.over || handle(...args));
  }

  // say shows a sentence until there is another one.
  say(...said) {
    this.said = said;
    this.troubled = false;
    this.listener.notify(...said);
  }

  // worry shows what is wrong until relax.
  worry(...trouble) {
    this.troubled = true;
    this.listener.notify(...trouble);
  }

  relax() {
    if (this.troubled) {
      this.say(...this.said);
    }
  }

  // request asks the backend as this tab: other tabs and other sites' pages do not know the ID.
  request(what, init = {}) {
    const headers = this.choice.id ? { Authorization: `Bearer ${this.choice.id}` } : {};
    const answer = fetch(`/clients/${encodeURIComponent(this.name)}/${what}`, { ...init, headers }).catch(() => Response.error());
    return this.lasting(answer);
  }

  async signIn() {
    const response = await this.request('session', { method: 'POST', body: new URLSearchParams(this.choice.grants) });
    if (response.ok) {
      this.choice.id = (await this.lasting(response.json())).session;
      this.listener.signedIn();
    }
    return response;
  }

  // fetchToken returns an answer with a token, or one that says why there is none.
  async fetchToken() {
    if (this.choice.id) {
      const response = await this.request('token');
      if (response.status !== 401) {
        return response;
      }
    }
    // Nobody has signed in yet, the session is over, or the backend has been started again.
    const response = await this.signIn();
    return response.ok ? this.request('token') : response;
  }

  // renew fetches a token and hands it to the device, the first one and every later one.
  async renew() {
    clearTimeout(this.renewal);
    const response = await this.fetchToken();
    if (response.status >= 400 && response.status < 500) {
      this.end(await this.lasting(reason(response)));
      return;
    }
    if (!response.ok) {
      this.worry(`${await this.lasting(reason(response))} Trying again.`);
      this.renewIn(2000);
      this.listener.changed();
      return;
    }
    const body = await this.lasting(response.json());
    this.relax();
    this.token = readToken(body);
    this.listener.log('token', `until ${clock(this.token.start + this.token.lifetime)}`);
    if (this.device) {
      this.sdk.renew(this.device, body.token);
    } else {
      this.open(body.token);
    }
    // A short one sooner: up to a second of it may have passed, and the next one takes its time too.
    const { lifetime } = this.token;
    this.renewIn(Math.min(0.8 * lifetime, Math.max(lifetime - 2000, 0.5 * lifetime)));
    this.listener.changed();
  }

  renewIn(ms) {
    clearTimeout(this.renewal);
    this.renewal = setTimeout(() => this.renew(), ms);
  }

  open(token) {
    this.device = this.sdk.open(token);
    this.on(this.device, 'incoming', (call) => this.onIncoming(call));
    this.on(this.device, 'error', (error) => this.onError(this.sdk.readError(error)));
    this.on(this.device, this.sdk.readyEvent, () => this.onReady());
    this.on(this.device, this.sdk.offlineEvent, () => this.onOffline());
  }

  onReady() {
    this.mayRenewAtOnce = true;
    this.relax();
    this.listener.log(this.sdk.readyEvent);
    this.listener.changed();
  }

  onOffline() {
    this.listener.log(this.sdk.offlineEvent);
    this.listener.changed();
  }

  onIncoming(call) {
    this.listener.log('incoming', `from ${peer(call)}`);
    this.ringing.push(call);
    this.watch(call);
    this.on(call, 'cancel', () => this.say(`${peer(call)} has stopped calling, or another device answered.`));
    this.listener.changed();
    this.listener.rings();
  }

  onError({ code, message }) {
    this.listener.log('error', `${code}: ${message}`);
    const sentence = explain(code, message, { peer: this.dialled, onCall: this.call !== null });
    if (isPassing(code)) {
      this.worry(sentence, `Error ${code}`);
    } else {
      this.say(sentence, `Error ${code}`);
    }
    if (isExpired(code)) {
      this.token.end = Date.now();
    }
    if (isBadToken(code) && this.mayRenewAtOnce) {
      this.mayRenewAtOnce = false;
      this.renewIn(500);
    }
    this.listener.changed();
  }

  async dial(to) {
    if (this.dialling) {
      return; // the button was pressed twice
    }
    this.say('');
    this.listener.log('dial', to);
    this.dialled = to;
    this.dialling = true;
    try {
      this.call = await this.lasting(this.sdk.connect(this.device, { To: to }));
    } finally {
      this.dialling = false;
    }
    this.watch(this.call);
    this.listener.changed();
  }

  accept() {
    this.say('');
    if (this.call) {
      this.hangUp();
    }
    this.call = this.ringing.shift();
    this.call.accept();
    this.listener.changed();
  }

  reject() {
    this.ringing.shift().reject();
    this.listener.changed();
  }

  hangUp() {
    this.call.hungUp = true;
    this.call.disconnect();
  }

  mute() {
    this.call.mute(!this.call.isMuted());
    this.listener.changed();
  }

  // watch notes what becomes of a call, on the call itself.
  watch(call) {
    this.on(call, 'accept', () => { call.since = Date.now(); });
    this.on(call, 'error', () => { call.failed = true; });
    this.on(call, 'volume', (input, output) => {
      call.levels = { input, output };
      this.listener.heard();
    });
    this.on(call, 'sample', ({ totals }) => {
      call.bytes = { sent: totals.bytesSent ?? 0, received: totals.bytesReceived ?? 0 };
      this.listener.heard();
    });
    for (const event of ['ringing', 'accept', 'cancel', 'disconnect', 'reject']) {
      this.on(call, event, () => this.listener.log(event, peer(call)));
    }
    for (const event of ['ringing', 'accept', 'cancel', 'disconnect', 'reject', 'error']) {
      // Before the SDK has told all that listen the status may still be the old one.
      this.on(call, event, () => setTimeout(() => this.over || this.tidy()));
    }
  }

  // tidy drops the calls that are over.
  tidy() {
    this.ringing = this.ringing.filter((call) => call.status() === 'pending');
    if (this.call?.status() === 'closed') {
      const { call } = this;
      this.call = null;
      if (call.since) { // otherwise an error has said why it came to nothing
        this.say(endOf(call, peer(call)));
      }
    }
    this.listener.changed();
  }
}

// reason says why a request failed.
async function reason(response) {
  if (response.type === 'error') {
    return 'The backend cannot be reached.';
  }
  const text = (await response.text()).trim();
  return `The backend answered ${response.status}: ${text.startsWith('{') ? JSON.parse(text).error : text}.`;
}
