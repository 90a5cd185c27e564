// The page of the softphone: it signs in, fetches a token, and hands it to an SDK of Twilio.

import * as sdk1 from './sdk1.js';
import * as sdk2 from './sdk2.js';
import { readToken } from './token.js';

const $ = (id) => document.getElementById(id);

// session is who has signed in on this page, with the device of the SDK; null before.
let session = null;

// What nothing else handles, such as a browser that the SDK does not support, is shown all the same.
addEventListener('error', (event) => notify(event.message));
addEventListener('unhandledrejection', (event) => notify(event.reason.message));

const config = fetch('/config').then((response) => response.json());
config.then(({ gateway, accessTokens }) => {
  $('gateway').textContent = gateway;
  $('no-api-key').hidden = accessTokens;
  offerTokens();
});

const sdks = { 1: sdk1, 2: sdk2 };

// expired are the codes of a token that has expired: 2.x has one of its own for the device, and Twilio's for a call.
const expired = [31205, 20104];

// --- Session

async function signIn(name, sdk, grants) {
  const response = await fetch(path(name, 'session'), { method: 'POST', body: grants });
  if (!response.ok) {
    notify(await reason(response));
    return;
  }
  sessionStorage.setItem('client', JSON.stringify([name, sdk]));
  await start(name, sdk);
}

async function signOut() {
  const { name } = session;
  stop();
  await fetch(path(name, 'session'), { method: 'DELETE' });
}

async function start(name, sdk) {
  if (session) {
    return; // the button was pressed twice
  }
  notify('');
  session = { name, sdk: sdks[sdk], device: null, ringing: [], call: null, renewal: 0, token: null };
  render();
  await renew();
}

function stop() {
  clearTimeout(session.renewal);
  const { device } = session;
  session = null;
  sessionStorage.removeItem('client');
  device?.destroy();
  render();
}

// --- Token

// renew fetches a token and hands it to the device, the first one and every later one.
async function renew() {
  const mine = session;
  clearTimeout(mine.renewal);
  await mine.sdk.load((await config).local);
  let response;
  try {
    response = await fetch(path(mine.name, 'token'));
  } catch {
    response = Response.error();
  }
  const body = response.ok ? await response.json() : await reason(response);
  if (session !== mine) {
    return; // signed out meanwhile
  }
  if (response.ok) {
    notify('');
    mine.token = readToken(body);
    log('token', `until ${clock(mine.token.start + mine.token.lifetime)}`);
    if (mine.device) {
      mine.sdk.renew(mine.device, body.token);
    } else {
      mine.device = mine.sdk.open(body.token, (event, detail) => session === mine && onDevice(event, detail));
    }
    // A short one sooner: up to a second of it may have passed, and the next one takes its time too.
    const { lifetime } = mine.token;
    renewIn(Math.min(0.8 * lifetime, Math.max(lifetime - 2000, 0.5 * lifetime)));
  } else if (response.status === 401) {
    // There is no use in asking again. A device that has a token may go on until that expires.
    if (!mine.token) {
      stop();
    }
    notify(`${body}. Sign in anew.`);
  } else {
    notify(`${body}. Trying again.`);
    renewIn(2000);
  }
  render();
}

function renewIn(ms) {
  clearTimeout(session.renewal);
  session.renewal = setTimeout(renew, ms);
}

// --- Device

function onDevice(event, detail) {
  switch (event) {
    case 'incoming':
      log('incoming', `from ${peer(detail)}`);
      session.ringing.push(detail);
      watch(detail);
      break;
    case 'error':
      log('error', `${detail.code}: ${detail.message}`);
      notify(`Error ${detail.code}: ${detail.message}`);
      if (expired.includes(detail.code)) {
        session.token.end = Date.now();
        renewIn(1000);
      }
      break;
    default:
      log(event);
  }
  render();
}

async function dial(to) {
  const mine = session;
  notify('');
  log('dial', to);
  const call = await mine.sdk.connect(mine.device, { To: to });
  if (session === mine) {
    mine.call = call;
    watch(call);
    render();
  }
}

function accept() {
  notify('');
  session.call = session.ringing.shift();
  session.call.accept();
  render();
}

function reject() {
  session.ringing.shift().reject();
  render();
}

function watch(call) {
  call.on('accept', () => { call.since = Date.now(); });
  call.on('volume', (input, output) => {
    $('input').value = input;
    $('output').value = output;
  });
  call.on('sample', ({ totals }) => {
    $('sent').textContent = kilobytes(totals.bytesSent ?? 0);
    $('received').textContent = kilobytes(totals.bytesReceived ?? 0);
  });
  const mine = session;
  for (const event of ['ringing', 'accept', 'cancel', 'disconnect', 'reject']) {
    call.on(event, () => session === mine && log(event, peer(call)));
  }
  for (const event of ['ringing', 'accept', 'cancel', 'disconnect', 'reject', 'error']) {
    // Before the SDK has told all that listen the status may still be the old one.
    call.on(event, () => setTimeout(() => session && render()));
  }
}

// peer names the other end of a call.
function peer(call) {
  return (call.parameters.From ?? call.customParameters.get('To')).replace(/^client:/, '');
}

// --- What is seen

function render() {
  for (const id of ['sign-in', 'about']) {
    $(id).hidden = session !== null;
  }
  $('phone').hidden = session === null;
  $('token').hidden = !session?.token;
  if (session === null) {
    $('incoming').hidden = true;
    return;
  }
  const { name, token } = session;
  session.ringing = session.ringing.filter((call) => call.status() === 'pending');
  if (session.call?.status() === 'closed') {
    session.call = null;
  }
  $('client').textContent = name;
  renderIncoming(session.ringing[0]);
  renderCall(session.call);
  if (token) {
    renderToken(token);
  }
  tick();
}

function renderIncoming(call) {
  $('incoming').hidden = !call;
  if (call) {
    $('incoming-from').textContent = peer(call);
    $('incoming-params').textContent = [...call.customParameters].map(([key, value]) => `${key}: ${value}`).join(' · ');
  }
}

function renderCall(call) {
  $('dial').hidden = call !== null || session.device === null;
  $('call').hidden = call === null;
  if (call?.status() !== 'open') {
    for (const id of ['input', 'output']) {
      $(id).value = 0;
    }
    for (const id of ['sent', 'received']) {
      $(id).textContent = kilobytes(0);
    }
  }
}

function renderToken({ kind, account, key, keySID, grants, start, lifetime }) {
  $('kind').textContent = kind;
  $('account').textContent = account;
  $('key').textContent = key;
  $('key-sid').textContent = keySID;
  $('times').textContent = `${clock(start)} to ${clock(start + lifetime)}`;
  $('grants').replaceChildren(...grants.map(({ code, meaning }) => {
    const item = element('li', meaning);
    item.append(element('span', code, 'code'));
    return item;
  }));
}

// tick shows what changes with time.
function tick() {
  if (!session) {
    return;
  }
  const { call, token } = session;
  const left = token ? token.end - Date.now() : 0;
  $('lifetime').value = token ? Math.max(0, left / token.lifetime) : 0;
  $('countdown').textContent = left > 0 ? `${duration(left)} left` : 'expired';
  $('token').classList.toggle('expired', left <= 0);
  const [state, text] = deviceState(left);
  $('state').dataset.state = state;
  setText('state', text);
  if (call) {
    setText('call-state', callState(call));
  }
}

function deviceState(left) {
  const { sdk, device, token } = session;
  if (!device) {
    return ['offline', 'No token'];
  }
  if (left <= 0) {
    return ['expired', 'Token expired'];
  }
  switch (sdk.status(device)) {
    case 'busy':
      return ['busy', 'On a call'];
    case 'ready':
      return ['ready', token.incoming ? 'Ready' : 'Ready for outgoing calls only'];
    default:
      return ['offline', 'Offline'];
  }
}

function callState(call) {
  switch (call.status()) {
    case 'open':
      return `Talking to ${peer(call)}, ${duration(Date.now() - call.since)}`;
    case 'ringing':
      return `Ringing ${peer(call)}…`;
    default:
      return `Connecting to ${peer(call)}…`;
  }
}

function log(event, detail = '') {
  const item = element('li', '', event);
  item.append(element('time', clock(Date.now())), element('b', event), element('span', detail));
  $('log').prepend(item);
  while ($('log').children.length > 200) {
    $('log').lastChild.remove();
  }
}

function notify(text) {
  $('notice').hidden = text === '';
  setText('notice', text);
}

// setText leaves the same text alone, so that a screen reader does not say it again.
function setText(id, text) {
  if ($(id).textContent !== text) {
    $(id).textContent = text;
  }
}

function element(name, text, className = '') {
  const node = document.createElement(name);
  node.textContent = text;
  node.className = className;
  return node;
}

const clock = (ms) => new Date(ms).toLocaleTimeString([], { hourCycle: 'h23' });
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const path = (name, what) => `/clients/${encodeURIComponent(name)}/${what}`;

function duration(ms) {
  const seconds = Math.ceil(ms / 1000);
  const two = (n) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// reason says why a request failed.
async function reason(response) {
  if (response.type === 'error') {
    return 'The backend cannot be reached';
  }
  const text = (await response.text()).trim();
  return `The backend answered ${response.status}: ${text.startsWith('{') ? JSON.parse(text).error : text}`;
}

// offerTokens leaves only the kinds of token to choose from that the SDK takes and the backend can mint.
async function offerTokens() {
  const { sdk, token } = $('sign-in').elements;
  $('access-token').disabled = sdk.value === '1' || !(await config).accessTokens;
  if ($('access-token').disabled) {
    token.value = 'capability';
  }
}

// --- Start

function onSubmit(id, handle) {
  $(id).addEventListener('submit', (event) => {
    event.preventDefault();
    handle(new FormData(event.target));
  });
}

onSubmit('sign-in', (form) => {
  const grants = new URLSearchParams(form);
  grants.delete('name');
  grants.delete('sdk');
  signIn(form.get('name').trim(), form.get('sdk'), grants);
});
onSubmit('dial', (form) => dial(form.get('to').trim()));
$('sign-in').addEventListener('change', offerTokens);
$('sign-out').addEventListener('click', signOut);
$('accept').addEventListener('click', accept);
$('reject').addEventListener('click', reject);
$('hang-up').addEventListener('click', () => session.call.disconnect());
setInterval(tick, 1000);

// A page that is loaded again goes on with its session.
const remembered = sessionStorage.getItem('client');
if (remembered) {
  start(...JSON.parse(remembered));
} else {
  render();
}
