// What is seen. Nothing in here changes a session.

import { clock, duration, peer } from './format.js';

export const $ = (id) => document.getElementById(id);

// render shows a session, or the form to sign in.
export function render(session) {
  for (const id of ['sign-in', 'about']) {
    $(id).hidden = session !== null;
  }
  $('phone').hidden = session === null;
  $('token').hidden = !session?.token;
  renderIncoming(session);
  if (session) {
    $('client').textContent = session.name;
    renderCall(session);
    if (session.token) {
      renderToken(session.token);
    }
    tick(session);
  }
}

function renderIncoming(session) {
  const call = session?.ringing[0];
  $('incoming').hidden = !call;
  document.title = call ? `Call from ${peer(call)} – Softphone` : 'Softphone';
  if (call) {
    $('incoming-from').textContent = peer(call);
    $('incoming-params').textContent = [...call.customParameters].map(([key, value]) => `${key}: ${value}`).join(' · ');
    $('accept').textContent = session.call ? 'Hang up and accept' : 'Accept';
  }
}

export function renderCall({ call, device }) {
  $('dial').hidden = call !== null || device === null;
  $('call').hidden = call === null;
  const open = call?.status() === 'open';
  for (const id of ['input', 'output']) {
    $(id).value = (open && call.levels?.[id]) || 0;
  }
  for (const id of ['sent', 'received']) {
    $(id).textContent = kilobytes((open && call.bytes?.[id]) || 0);
  }
  const muted = open && call.isMuted();
  $('mute').hidden = !open;
  $('mute').setAttribute('aria-pressed', muted);
  $('muted').hidden = !muted;
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
  if (!session) {
    return;
  }
  const { call, token } = session;
  const left = token ? token.end - Date.now() : 0;
  $('lifetime').value = token ? Math.max(0, left / token.lifetime) : 0;
  $('countdown').textContent = left > 0 ? `${duration(left)} left` : 'expired';
  $('token').classList.toggle('expired', left <= 0);
  const [state, text] = deviceState(session, left);
  $('state').dataset.state = state;
  setText('state', text);
  $('call-button').classList.toggle('good', state === 'ready');
  if (call) {
    setText('call-state', callState(call));
    // Beside the state, so that a screen reader does not say the time each second.
    setText('call-time', call.status() === 'open' ? `, ${duration(Date.now() - call.since)}` : '');
  }
}

function deviceState({ call, sdk, device, token }, left) {
  if (!device) {
    return ['offline', 'No token'];
  }
  if (left <= 0) {
    return ['expired', 'Token expired'];
  }
  if (call) {
    return ['busy', call.status() === 'open' ? 'On a call' : 'Ringing…'];
  }
  switch (sdk.status(device)) {
    case 'busy':
    case 'ready':
      return ['ready', token.incoming ? 'Ready' : 'Ready for outgoing calls only'];
    default:
      return ['offline', 'Offline'];
  }
}

function callState(call) {
  switch (call.status()) {
    case 'open':
      return `Talking to ${peer(call)}`;
    case 'ringing':
      return `Ringing ${peer(call)}…`;
    default:
      return `Connecting to ${peer(call)}…`;
  }
}

// notify shows a sentence, and small beside it a code.
export function notify(text, code = '') {
  $('notice').hidden = text === '';
  setText('notice-text', text);
  setText('notice-code', code);
}

// setText leaves the same text alone, so that a screen reader does not say it again.
function setText(id, text) {
  if ($(id).textContent !== text) {
    $(id).textContent = text;
  }
}

export function element(name, text, className = '') {
  const node = document.createElement(name);
  node.textContent = text;
  node.className = className;
  return node;
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
