// A session is one who has signed in in this tab, with a device of an SDK and its calls. All that it keeps is in here, and ends
// with it.

import { Call } from './call.js';
import { clock } from './format.js';
import { endOf, explain, isAbsent, isBadToken, isExpired, isLost, isPassing } from './messages.js';
import * as sdk1 from './sdk1.js';
import * as sdk2 from './sdk2.js';
import { readToken } from './token.js';

const sdks = { 1: sdk1, 2: sdk2 };
const nothing = [''];

export class Session {
  // The choice is a client name, an SDK, what the token grants, and the ID of a session that goes on. The listener is told what
  // changes.
  constructor(choice, listener, config) {
    this.choice = choice;
    this.listener = listener;
    this.config = config;
    this.sdk = sdks[choice.sdk];
    this.ending = new AbortController(); // stops whatever is under way when the session ends
    this.device = null;
    this.registered = null; // whether the device is, null before it first is
    this.fault = 0; // the code of what is wrong with the device
    this.token = null;
    this.ringing = [];
    this.call = null;
    this.dialled = ''; // whom the last call went to
    this.absent = ''; // who was called and is not there
    this.dialling = false;
    this.microphone = ''; // the ID of the one that was chosen
    this.renewal = 0;
    this.renewedAt = 0;
    this.mayRenewAtOnce = true; // a bad token is replaced at once, but not again and again
    this.trouble = nothing; // what is wrong, and passes
    this.failure = nothing; // why a call came to nothing
    this.forgetting = 0; // the timer that does
  }

  get name() {
    return this.choice.name;
  }

  get signal() {
    return this.ending.signal;
  }

  // offline is connecting, lost, refused or unregistered, and '' while the device is ready.
  get offline() {
    if (this.device && this.sdk.isReady(this.device)) {
      return '';
    }
    if (this.device && this.fault) {
      return isLost(this.fault) ? 'lost' : 'refused';
    }
    return this.registered === null ? 'connecting' : 'unregistered';
  }

  start() {
    return this.task(async () => {
      const loaded = await this.ongoing(this.load().then(() => true, () => false));
      if (loaded) {
        await this.renew();
      } else {
        this.end('The backend cannot be reached.');
      }
    });
  }

  async load() {
    const { local } = await this.config();
    await this.sdk.load(local);
  }

  signOut() {
    this.task(() => this.request('session', { method: 'DELETE', signal: null }));
    this.end('');
  }

  end(why) {
    this.ending.abort();
    clearTimeout(this.renewal);
    clearTimeout(this.forgetting);
    this.device?.destroy();
    this.listener.ended(why);
  }

  // task does work that the end of the session stops.
  async task(work) {
    try {
      await work();
    } catch (error) {
      if (!this.signal.aborted) {
        throw error;
      }
    }
  }

  // ongoing returns what the promise does, and throws if the session has ended meanwhile.
  async ongoing(promise) {
    const value = await promise;
    this.signal.throwIfAborted();
    return value;
  }

  // say shows how a call ended, for a while.
  say(sentence) {
    clearTimeout(this.forgetting);
    this.listener.say(sentence);
    if (sentence) {
      this.forgetting = setTimeout(() => this.listener.say(''), 10_000);
    }
  }

  // fail shows why a call came to nothing, until the next call. SDK 1.x tells the end of a call before its cause.
  fail(...failure) {
    this.say('');
    this.failure = failure;
    this.listener.notify(...failure);
  }

  // worry shows what is wrong until relax.
  worry(...trouble) {
    this.trouble = trouble;
    this.failure = nothing;
    this.listener.notify(...trouble);
  }

  relax() {
    this.trouble = nothing;
    this.listener.notify(...this.failure);
  }

  // forget takes away what is about the last call.
  forget() {
    this.say('');
    this.failure = nothing;
    this.listener.notify(...this.trouble);
  }

  dismiss() {
    this.trouble = nothing;
    this.failure = nothing;
    this.listener.notify(...nothing);
  }

  // request asks the backend as this tab: other tabs and other sites' pages do not know the ID.
  request(what, init = {}) {
    const headers = this.choice.id ? { Authorization: `Bearer ${this.choice.id}` } : {};
    const answer = fetch(`/clients/${encodeURIComponent(this.name)}/${what}`, { signal: this.signal, ...init, headers });
    return this.ongoing(answer.catch(() => Response.error()));
  }

  async signIn() {
    const response = await this.request('session', { method: 'POST', body: new URLSearchParams(this.choice.grants) });
    if (response.ok) {
      this.choice.id = (await this.ongoing(response.json())).session;
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
      this.end(await this.ongoing(reason(response)));
      return;
    }
    if (!response.ok) {
      this.worry(`${await this.ongoing(reason(response))} Trying again.`);
      this.renewIn(2000);
      this.listener.changed();
      return;
    }
    const body = await this.ongoing(response.json());
    this.relax();
    this.token = readToken(body);
    this.listener.log('token', `until ${clock(this.token.start + this.token.lifetime)}`);
    if (this.device) {
      this.renewedAt = Date.now();
      this.sdk.renew(this.device, body.token);
    } else {
      this.open(body.token);
    }
    if (isBadToken(this.fault)) {
      this.fault = 0;
    }
    // A short one sooner: up to a second of it may have passed, and the next one takes its time too.
    const { lifetime } = this.token;
    this.renewIn(Math.min(0.8 * lifetime, Math.max(lifetime - 2000, 0.5 * lifetime)));
    this.listener.changed();
  }

  renewIn(ms) {
    clearTimeout(this.renewal);
    this.renewal = setTimeout(() => this.task(() => this.renew()), ms);
  }

  open(token) {
    const device = this.sdk.open(token);
    // Of a device that another one has replaced nothing is of interest.
    const on = (event, handle) => device.on(event, (...args) => this.signal.aborted || this.device !== device || handle(...args));
    on('incoming', (call) => this.onIncoming(call));
    on('error', (error) => this.onError(this.sdk.readError(error)));
    on(this.sdk.readyEvent, () => this.onReady());
    on(this.sdk.offlineEvent, () => this.onOffline());
    this.device = device;
  }

  // registerAgain replaces the device by a new one.
  registerAgain() {
    this.device.destroy();
    this.device = null;
    this.registered = null;
    this.fault = 0;
    this.listener.changed();
    return this.task(() => this.renew());
  }

  onReady() {
    this.mayRenewAtOnce = true;
    this.fault = 0;
    this.relax();
    if (!this.registered) { // SDK 1.x registers every 30 s
      this.listener.log(this.sdk.readyEvent);
    }
    this.registered = true;
    this.listener.changed();
  }

  onOffline() {
    this.registered = false;
    this.listener.log(this.sdk.offlineEvent);
    this.soon(() => this.listener.changed()); // an error that follows says why
  }

  // soon is after the SDK has told all that listen.
  soon(act) {
    setTimeout(() => this.signal.aborted || act());
  }

  onIncoming(sdkCall) {
    const call = this.wrap(sdkCall);
    this.listener.log('incoming', `from ${call.peer}`);
    this.forget();
    this.ringing.push(call);
    this.listener.changed();
    this.listener.rings();
  }

  onError({ code, message }) {
    this.listener.log('error', `${code}: ${message}`);
    if (this.offline || isPassing(code)) {
      this.fault = code;
    }
    if (this.call && !isLost(code)) {
      this.call.explained = true;
    }
    const toItself = isAbsent(code) && this.dialled === this.name;
    if (toItself || code === 31404) {
      this.absent = this.dialled;
    }
    const sentence = explain(code, message, {
      peer: this.dialled, onCall: this.call !== null, again: !this.mayRenewAtOnce, never: this.registered === null,
    });
    if (isPassing(code)) {
      this.worry(sentence, `Error ${code}`);
    } else if (toItself) {
      this.listener.mistaken(`There is no other ${this.name} to answer.`);
    } else {
      this.fail(sentence, `Error ${code}`);
    }
    if (isExpired(code) && Date.now() > this.renewedAt + 2000) { // or it may be about the token before
      this.token.end = Date.now();
    }
    if (isBadToken(code) && this.mayRenewAtOnce) {
      this.mayRenewAtOnce = false;
      this.renewIn(500);
    }
    this.listener.changed();
  }

  dial(to) {
    if (this.dialling || this.offline) { // the button was pressed twice, or says why it does nothing
      return;
    }
    this.forget();
    this.listener.log('dial', to);
    this.dialled = to;
    this.absent = '';
    this.dialling = true;
    this.task(async () => {
      try {
        await this.openMicrophone();
        this.call = this.wrap(await this.ongoing(this.sdk.connect(this.device, { To: to })));
      } finally {
        this.dialling = false;
      }
      this.listener.changed();
    });
  }

  accept() {
    this.forget();
    this.call?.hangUp();
    const call = this.ringing.shift();
    this.call = call;
    this.task(async () => {
      await this.openMicrophone();
      call.accept();
      this.listener.changed();
    });
    this.listener.changed();
  }

  reject() {
    this.ringing.shift().reject();
    this.listener.changed();
  }

  hangUp() {
    this.call.hangUp();
  }

  mute() {
    this.call.toggleMute();
    this.listener.changed();
  }

  sendDigits(digits) {
    this.listener.log('digits', digits);
    this.call.sendDigits(digits);
  }

  // chooseMicrophone is for this call and later ones. Between calls the SDK would keep it open.
  chooseMicrophone(id) {
    this.microphone = id;
    if (this.call) {
      this.task(() => this.openMicrophone());
    }
  }

  async openMicrophone() {
    if (this.microphone) {
      await this.ongoing(this.device.audio.setInputDevice(this.microphone));
    }
  }

  chooseSpeaker(id) {
    this.task(() => this.device.audio.speakerDevices.set(id));
  }

  wrap(sdkCall) {
    const call = new Call(sdkCall, {
      changed: (event) => {
        if (event !== 'error' && event !== 'transportClose') { // which are the device's too
          this.listener.log(event, call.peer);
        }
        this.soon(() => this.tidy()); // before, the state may still be the old one
      },
      heard: () => this.listener.heard(),
    }, this.signal);
    return call;
  }

  // tidy drops the calls that are over, and says how they ended.
  tidy() {
    const over = [...this.ringing, this.call].filter((call) => call?.state === 'closed');
    this.ringing = this.ringing.filter((call) => call.state === 'pending');
    if (over.includes(this.call)) {
      this.call = null;
      this.task(() => this.device?.audio?.unsetInputDevice()); // a device that is destroyed has no audio
    }
    for (const call of over) {
      const end = endOf(call);
      if (end) {
        this.say(end);
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
