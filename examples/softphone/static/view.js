// What is seen. Nothing in here changes a session.

import { clock, duration } from './format.js';
import { offline } from './messages.js';

export const $ = (id) => document.getElementById(id);

// render shows a session, or the form to sign in.
export function render(session) {
  for (const id of ['sign-in', 'about']) {
    $(id).hidden = session !== null;
  }
  $('phone').hidden = session === null;
  $('token').hidden = !session?.token;
  if (session) {
    $('client').textContent = session.name;
    renderIdle(session);
    renderIncoming(session);
    renderCall(session);
    renderAudio(session);
    if (session.token) {
      renderToken(session.token);
    }
  }
  tick(session);
}

// isTyping reports whether somebody types a name to call, other than the last one.
export const isTyping = ({ dialled }) => document.activeElement === $('to') && !['', dialled].includes($('to').value.trim());

function renderIdle(session) {
  const { call, name, absent, ringing } = session;
  $('idle').hidden = call !== null || (ringing.length > 0 && !isTyping(session));
  const why = offline[session.offline];
  setText('offline-text', why?.text ?? '');
  setText('register', why?.button ?? '');
  $('register').hidden = !why;
  $('nobody').hidden = session.offline !== '';
  $('call-button').setAttribute('aria-disabled', session.offline !== '');
  const other = absent || (name === 'tommy' ? 'alice' : 'tommy');
  $('open-tab').href = `/?name=${encodeURIComponent(other)}`;
  setText('open-tab', `Open ${other} in a new tab`);
}

function renderIncoming({ call: current, ringing: [call], sdk }) {
  $('incoming').hidden = !call;
  if (call) {
    $('incoming').classList.toggle('strip', current !== null);
    $('incoming-initial').textContent = initial(call);
    $('incoming-from').textContent = call.peer;
    $('incoming-params').textContent = call.params.map(([key, value]) => `${key}: ${value}`).join(' · ');
    $('silent').hidden = !sdk.isSilent();
    $('accept-text').textContent = current ? 'Hang up and accept' : 'Accept';
  }
}

export function renderCall({ call }) {
  $('call').hidden = call === null;
  if (call === null) {
    $('keypad').open = false;
    return;
  }
  $('initial').textContent = initial(call);
  const muted = call.answered && call.muted;
  $('input').value = muted ? 0 : call.levels.input;
  $('output').value = call.levels.output;
  for (const id of ['sent', 'received']) {
    $(id).textContent = kilobytes(call.bytes[id]);
  }
  $('levels').hidden = !call.answered;
  $('controls').hidden = !call.answered;
  $('mute').setAttribute('aria-pressed', muted);
  $('muted').hidden = !muted;
}

function renderAudio({ device, call, ringing }) {
  $('audio').hidden = device === null || (call === null && ringing.length > 0);
}

// listDevices fills the choice of microphones and speakers.
export function listDevices({ device: { audio }, microphone }) {
  const options = (devices, chosen) => [...devices.values()].map(({ deviceId, label }) => new Option(label, deviceId, false, deviceId === chosen));
  $('microphone').replaceChildren(...options(audio.availableInputDevices, microphone));
  $('speaker').replaceChildren(...options(audio.availableOutputDevices, [...audio.speakerDevices.get()][0]?.deviceId));
  $('speaker-choice').hidden = !audio.isOutputSelectionSupported;
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
export function tick(session) {
  document.title = title(session);
  if (!session) {
    return;
  }
  const { call, token, device, sdk } = session;
  const left = token ? token.end - Date.now() : 0;
  $('lifetime').value = token ? Math.max(0, left / token.lifetime) : 0;
  $('countdown').textContent = left > 0 ? `${duration(left)} left` : 'expired';
  $('token').classList.toggle('expired', left <= 0);
  $('sdk').textContent = device ? `SDK ${sdk.version()} · ${token.kind}` : '';
  const [state, text] = deviceState(session, left);
  $('state').dataset.state = state;
  setText('state', text);
  $('call-button').classList.toggle('good', state === 'ready');
  if (call) {
    setText('call-state', callState(call));
    // Beside the state, so that a screen reader does not say the time each second.
    setText('call-time', call.answered ? duration(Date.now() - call.since) : '');
  }
}

function title(session) {
  if (!session) {
    return 'Softphone';
  }
  const { name, call, ringing } = session;
  if (ringing.length > 0) {
    return `☎ Call from ${ringing[0].peer} – Softphone`;
  }
  if (call) {
    return `${call.answered ? duration(Date.now() - call.since) : '☎'} ${call.peer} – ${name}`;
  }
  return `${name} – Softphone`;
}

function deviceState({ call, device, token, offline }, left) {
  if (!device) {
    return ['offline', 'Connecting…'];
  }
  if (call?.state === 'reconnecting') {
    return ['offline', 'Reconnecting…'];
  }
  if (call) {
    return ['busy', call.answered ? 'On a call' : 'Ringing…'];
  }
  if (left <= 0) {
    return ['expired', 'Token expired'];
  }
  if (offline) {
    return ['offline', offline === 'connecting' ? 'Connecting…' : 'Offline'];
  }
  return ['ready', token.incoming ? 'Ready' : 'Ready for outgoing calls only'];
}

function callState({ state, answered, peer }) {
  const whom = peer.replaceAll(' ', '\u00a0'); // a number on one line
  if (answered) {
    return state === 'open' ? `Talking to ${whom}` : `Reconnecting to ${whom}…`;
  }
  return state === 'ringing' ? `Ringing ${whom}…` : `Connecting to ${whom}…`;
}

// say shows how a call ended.
export const say = (text) => setText('said', text);

// notify shows what is wrong, and small beside it a code.
export function notify(text, code = '') {
  $('notice').hidden = text === '';
  setText('notice-text', text);
  setText('notice-code', code);
}

// mark says at a field what is wrong with it, '' if nothing is.
export function mark(field, mistake) {
  $(field).setAttribute('aria-invalid', mistake !== '');
  $(`${field}-mistake`).textContent = mistake;
}

// log adds a line above the others. The same again is counted, and digits make one line.
export function log(event, detail = '') {
  const newest = $('log').firstElementChild;
  const [, , said, times] = newest?.children ?? [];
  if (event === 'digits' && newest?.className === event) {
    said.textContent += ` ${detail}`;
    return;
  }
  if (newest?.className === event && said.textContent === detail) {
    newest.dataset.times = Number(newest.dataset.times ?? 1) + 1;
    times.textContent = `×${newest.dataset.times}`;
    return;
  }
  const item = element('li', '', event);
  item.append(element('time', clock(Date.now())), element('b', event), element('span', detail), element('small', ''));
  $('log').prepend(item);
  while ($('log').children.length > 200) {
    $('log').lastChild.remove();
  }
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

const initial = ({ peer }) => (/^\w/.test(peer) ? peer.charAt(0).toUpperCase() : '#');
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
