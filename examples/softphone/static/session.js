// A session is one who has signed in in this tab, with a device of an SDK and its calls. All that it keeps is in here, and ends
// with it.

import { expiredCodes, refused } from './messages.js';
import * as sdk1 from './sdk1.js';
import * as sdk2 from './sdk2.js';
import { readToken } from './token.js';
import { clock, duration, peer } from './view.js';

const sdks = { 1: sdk1, 2: sdk2 };

export class Session {
  // The choice is a client name, an SDK, what the token is to grant, and the ID of a session that goes on.
  constructor(choice, listener, { local }) {
    this.choice = choice;
    this.listener = listener;
    this.local = local;
    this.sdk = sdks[choice.sdk];
    this.device = null;
    this.token = null;
    this.ringing = [];
    this.call = null;
    this.renewal = 0;
    this.over = false;
    this.mayRefetch = true; // a refused token is replaced at once, but not again and again
  }

  get name() {
    return this.choice.name;
  }

  async start() {
    await this.sdk.load(this.local);
    if (this.choice.id || await this.signIn()) {
      await this.renew();
    }
  }

  // signIn reports whether the backend has let the user in.
  async signIn() {
    const response = await this.request('session', { method: 'POST', body: new URLSearchParams(this.choice.grants) });
    if (!response.ok) {
      this.end(await reason(response));
      return false;
    }
    this.choice.id = (await response.json()).session;
    return true;
  }

  async signOut() {
    const gone = this.request('session', { method: 'DELETE' });
    this.end('');
    await gone;
  }

  end(why) {
    if (this.over) {
      return;
    }
    this.over = true;
    clearTimeout(this.renewal);
    this.device?.destroy();
    this.listener.ended(why);
  }

  async request(what, init = {}) {
    const headers = this.choice.id ? { Authorization: `Bearer ${this.choice.id}` } : {};
    try {
      return await fetch(`/clients/${encodeURIComponent(this.name)}/${what}`, { ...init, headers });
    } catch {
      return Response.error();
    }
  }

  // renew fetches a token and hands it to the device, the first one and every later one.
  async renew() {
    clearTimeout(this.renewal);
    let response = await this.request('token');
    if (response.status === 401 && !this.over && await this.signIn()) {
      response = await this.request('token'); // the backend has been started again, or the session was over
    }
    if (this.over) {
      return; // signed out meanwhile
    }
    if (!response.ok) {
      this.listener.notify(`${await reason(response)} Trying again.`);
      this.renewIn(2000);
      this.listener.changed();
      return;
    }
    const body = await response.json();
    this.listener.notify('');
    this.token = readToken(body);
    this.listener.log('token', `until ${clock(this.token.start + this.token.lifetime)}`);
    if (this.device) {
      this.sdk.renew(this.device, body.token);
    } else {
      this.device = this.sdk.open(body.token, (event, detail) => this.over || this.onDevice(event, detail));
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

  onDevice(event, detail) {
    switch (event) {
      case 'incoming':
        this.listener.log('incoming', `from ${peer(detail)}`);
        this.ringing.push(detail);
        this.watch(detail);
        this.listener.changed();
        this.listener.rings();
        return;
      case 'error':
        this.onError(detail);
        break;
      case 'ready':
      case 'registered':
        this.mayRefetch = true;
        this.listener.log(event);
        break;
      default:
        this.listener.log(event);
    }
    this.listener.changed();
  }

  onError({ code, message }) {
    this.listener.log('error', `${code}: ${message}`);
    this.listener.failed({ code, message }, this.dialled);
    if (expiredCodes.includes(code)) {
      this.token.end = Date.now();
      this.renewIn(1000);
      if (this.call) {
        this.listener.notify('The token has expired. This call goes on; others need the new token, which the page fetches.', `Error ${code}`);
      }
    } else if (refused.includes(code) && this.mayRefetch) {
      this.mayRefetch = false;
      this.renewIn(500);
    }
  }

  async dial(to) {
    this.listener.notify('');
    this.listener.log('dial', to);
    this.dialled = to;
    const call = await this.sdk.connect(this.device, { To: to });
    if (this.over) {
      return;
    }
    this.call = call;
    this.watch(call);
    this.listener.changed();
    this.listener.calling();
  }

  accept() {
    this.listener.notify('');
    this.call?.disconnect();
    this.call = this.ringing.shift();
    this.call.accept();
    this.listener.changed();
    this.listener.calling();
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

  // watch tells what becomes of a call.
  watch(call) {
    call.on('accept', () => { call.since = Date.now(); });
    call.on('volume', (input, output) => { call.levels = { input, output }; });
    call.on('sample', ({ totals }) => { call.bytes = { sent: totals.bytesSent ?? 0, received: totals.bytesReceived ?? 0 }; });
    for (const event of ['volume', 'sample']) {
      call.on(event, () => this.over || this.listener.heard());
    }
    for (const event of ['ringing', 'accept', 'cancel', 'disconnect', 'reject']) {
      call.on(event, () => this.over || this.listener.log(event, peer(call)));
    }
    call.on('disconnect', () => this.over || this.sayEnd(call));
    for (const event of ['ringing', 'accept', 'cancel', 'disconnect', 'reject', 'error']) {
      // Before the SDK has told all that listen the status may still be the old one.
      call.on(event, () => setTimeout(() => this.over || this.tidy()));
    }
  }

  sayEnd(call) {
    if (call.since) {
      this.listener.notify(`${call.hungUp ? 'You' : peer(call)} hung up after ${duration(Date.now() - call.since)}.`);
    }
  }

  // tidy drops the calls that are over.
  tidy() {
    this.ringing = this.ringing.filter((call) => call.status() === 'pending');
    if (this.call?.status() === 'closed') {
      this.call = null;
      this.listener.changed();
      this.listener.free();
      return;
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
