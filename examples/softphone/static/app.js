// The page of the softphone: it signs in, fetches a token, and hands it to the Twilio Client SDK.

const $ = (id) => document.getElementById(id);

// session is who has signed in on this page, with the device of the SDK; null before.
let session = null;

// What nothing else handles, such as a browser that the SDK does not support, is shown all the same.
addEventListener('error', (event) => notify(event.message));
addEventListener('unhandledrejection', (event) => notify(event.reason.message));

const config = fetch('/config').then((response) => response.json());
config.then(({ gateway }) => { $('gateway').textContent = gateway; });

// What the local gateway needs. With Twilio the SDK's own defaults are right.
const localOptions = {
  pStreamFactory(token, _uris, options) {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    return new Twilio.PStream(token, [`${scheme}://${location.host}/signal`], options);
  },
  RTCPeerConnection: class extends RTCPeerConnection {
    // The SDK sends its candidates to nobody: Twilio's media servers need none, another browser does.
    async setLocalDescription(description) {
      await super.setLocalDescription(description);
      while (this.iceGatheringState !== 'complete') {
        await new Promise((resolve) => this.addEventListener('icegatheringstatechange', resolve, { once: true }));
      }
    }
  },
  publishEvents: false,
  sounds: localSounds(),
};

function localSounds() {
  const sounds = { incoming: '/sounds/ring.wav', outgoing: '/sounds/blip.wav', disconnect: '/sounds/blip.wav' };
  for (const key of '0123456789hs') {
    sounds[`dtmf${key}`] = '/sounds/blip.wav';
  }
  return sounds;
}

// --- Session

async function signIn(name, grants) {
  const response = await fetch(path(name, 'session'), { method: 'POST', body: grants });
  if (!response.ok) {
    notify(await reason(response));
    return;
  }
  sessionStorage.setItem('client', name);
  await start(name);
}

async function signOut() {
  const { name } = session;
  stop();
  await fetch(path(name, 'session'), { method: 'DELETE' });
}

async function start(name) {
  if (session) {
    return; // the button was pressed twice
  }
  notify('');
  session = { name, device: newDevice(), ringing: [], call: null, renewal: 0, token: null };
  render();
  await renew();
}

function stop() {
  clearTimeout(session.renewal);
  const { device } = session;
  session = null;
  sessionStorage.removeItem('client');
  device.destroy();
  render();
}

// --- Token

// renew fetches a token and hands it to the device, the first one and every later one.
async function renew() {
  const mine = session;
  clearTimeout(mine.renewal);
  const { local } = await config;
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
    mine.device.setup(body.token, { enableRingingState: true, ...(local && localOptions) });
    renewIn(0.8 * mine.token.lifetime);
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

// readToken decodes what the token grants, to show it; only the gateway can check it. The clock of this machine may be
// wrong, so the lifetime is what the backend's own two times say, counted from now. They are whole seconds: up to one may
// have passed, and a lifetime of less than 5 s can end before 80 % of it.
function readToken({ token, expiresAt }) {
  const claims = JSON.parse(new TextDecoder().decode(decodeBase64URL(token.split('.')[1])));
  const start = claims.nbf ? claims.nbf * 1000 : Date.now();
  const lifetime = Date.parse(expiresAt) - start;
  return { claims, start, lifetime, end: Date.now() + lifetime };
}

function decodeBase64URL(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

// --- Device

function newDevice() {
  const device = new Twilio.Device();
  // The events of a device that has been signed out are nobody's any more.
  const on = (event, handle) => device.on(event, (...args) => {
    if (session?.device === device) {
      handle(...args);
      render();
    }
  });
  on('ready', () => log('ready'));
  on('offline', () => log('offline'));
  on('incoming', (call) => {
    log('incoming', `from ${peer(call)}`);
    session.ringing.push(call);
    watch(call);
  });
  on('connect', (call) => log('connect', peer(call)));
  on('cancel', (call) => log('cancel', peer(call)));
  on('disconnect', (call) => log('disconnect', peer(call)));
  on('error', (error) => {
    log('error', `${error.code}: ${error.message}`);
    notify(`Error ${error.code}: ${error.message}`);
    if (error.code === 31205) { // expired
      session.token.end = Date.now();
      renewIn(1000);
    }
  });
  return device;
}

function dial(to) {
  notify('');
  log('dial', to);
  session.call = session.device.connect({ To: to });
  watch(session.call);
  render();
}

function accept() {
  notify('');
  session.call = session.ringing.shift();
  session.call.accept();
  render();
}

function reject() {
  log('reject', peer(session.ringing[0]));
  session.ringing.shift().reject();
  render();
}

function watch(call) {
  call.on('ringing', () => log('ringing', peer(call)));
  call.on('accept', () => { call.since = Date.now(); });
  call.on('volume', (input, output) => {
    $('input').value = input;
    $('output').value = output;
  });
  call.on('sample', ({ totals }) => {
    $('sent').textContent = kilobytes(totals.bytesSent ?? 0);
    $('received').textContent = kilobytes(totals.bytesReceived ?? 0);
  });
  // Before the SDK has told all that listen the status may still be the old one.
  const later = () => setTimeout(() => session && render());
  for (const event of ['ringing', 'accept', 'cancel', 'disconnect', 'reject', 'error']) {
    call.on(event, later);
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
  $('dial').hidden = call !== null;
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

function renderToken({ claims, start, lifetime }) {
  $('account').textContent = claims.iss;
  $('times').textContent = `${clock(start)} to ${clock(start + lifetime)}`;
  $('scopes').replaceChildren(...claims.scope.split(' ').map((scope) => {
    const code = element('span', scope, 'code');
    const item = element('li', meaning(scope));
    item.append(code);
    return item;
  }));
}

// meaning says in words what a scope grants.
function meaning(scope) {
  const [kind, query] = scope.split('?');
  const params = new URLSearchParams(query);
  switch (kind) {
    case 'scope:client:incoming':
      return `Receives calls to ${params.get('clientName')}`;
    case 'scope:client:outgoing': {
      const signed = [...new URLSearchParams(params.get('appParams') ?? '')].map(([key, value]) => `, ${key} ${value}`);
      return `Makes calls through the application${signed.join('')}`;
    }
    default:
      return 'Other';
  }
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
  const { device, token } = session;
  if (!token) {
    return ['offline', 'No token'];
  }
  if (left <= 0) {
    return ['expired', 'Token expired'];
  }
  switch (device.status()) {
    case 'busy':
      return ['busy', 'On a call'];
    case 'ready':
      return ['ready', token.claims.scope.includes('scope:client:incoming') ? 'Ready' : 'Ready for outgoing calls only'];
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
  return `The backend answered ${response.status}: ${(await response.text()).trim()}`;
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
  signIn(form.get('name').trim(), grants);
});
onSubmit('dial', (form) => dial(form.get('to').trim()));
$('sign-out').addEventListener('click', signOut);
$('accept').addEventListener('click', accept);
$('reject').addEventListener('click', reject);
$('hang-up').addEventListener('click', () => session.call.disconnect());
setInterval(tick, 1000);

// A page that is loaded again goes on with its session.
const remembered = sessionStorage.getItem('client');
if (remembered) {
  start(remembered);
} else {
  render();
}
