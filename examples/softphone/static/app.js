// The page of the softphone: it signs in, fetches tokens, hands them to an SDK of Twilio, and shows what comes of it.

import { nameMistake, numberOrNameMistake } from './messages.js';
import { once } from './sdk.js';
import { Session } from './session.js';
import { $, isTyping, listDevices, log, mark, notify, render, renderCall, say, tick } from './view.js';

// session is who has signed in in this tab; null before.
let session = null;

// What nothing else handles, such as a browser that the SDK does not support, is shown all the same.
addEventListener('error', (event) => notify(event.message));
addEventListener('unhandledrejection', (event) => notify(String(event.reason?.message ?? event.reason)));

// A page that comes back with the back button has a device that its SDK has given up.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

// config asks the backend what is not in the page's files.
const config = once(async () => {
  const settings = await (await fetch('/config')).json();
  $('gateway').textContent = settings.gateway;
  if (settings.console) {
    $('gateway').href = settings.console;
  }
  $('no-sdk1').hidden = settings.local;
  $('sdk1').disabled = !settings.local;
  $('echo').hidden = !settings.local;
  $('no-api-key').hidden = settings.accessTokens;
  $('access-token').disabled = !settings.accessTokens;
  return settings;
});
config().catch(() => {}); // whoever signs in is told

// listener is what a session tells this page.
const listener = {
  changed() {
    following(() => render(session));
  },
  heard: () => renderCall(session),
  signedIn: () => sessionStorage.setItem('session', JSON.stringify(session.choice)),
  log,
  notify,
  say,
  mistaken: (sentence) => mark('to', sentence),
  ended(reason) {
    session = null;
    sessionStorage.removeItem('session');
    render(session);
    notify(reason);
    $('name').focus();
  },
  rings() {
    // Accept is one Tab away, wherever the focus was; but what somebody types is not taken away.
    if (!isTyping(session)) {
      $('incoming').focus();
    }
  },
};

// following moves the focus on from what a change hides.
function following(change) {
  const before = document.activeElement;
  change();
  if (before !== document.body && !before.checkVisibility()) {
    const [next] = ['incoming', 'hang-up', 'to'].filter((id) => $(id).checkVisibility());
    $(next)?.focus();
  }
}

async function start(choice) {
  if (session) {
    return; // the button was pressed twice
  }
  notify('');
  session = new Session(choice, listener, config);
  render(session);
  $('to').focus();
  await session.start();
}

// onSubmit checks a form's fields before anything is sent: what is wrong is said at the field.
function onSubmit(id, check, handle) {
  $(id).addEventListener('submit', (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    for (const [field, mistake] of Object.entries(check(form))) {
      mark(field, mistake);
      if (mistake !== '') {
        $('choices').open ||= $('choices').contains($(field));
        $(field).focus();
        return;
      }
    }
    handle(form);
  });
}

const trimmed = (form, field) => form.get(field).trim();

onSubmit('sign-in', (form) => ({
  name: nameMistake(trimmed(form, 'name'), form.get('token')),
  'grants-choice': form.get('incoming') || form.get('outgoing') ? '' : 'Choose at least one.',
}), (form) => start({
  name: trimmed(form, 'name'),
  sdk: form.get('sdk'),
  grants: { incoming: form.get('incoming') ?? '', outgoing: form.get('outgoing') ?? '', token: form.get('token') },
}));
onSubmit('dial', (form) => ({ to: numberOrNameMistake(trimmed(form, 'to')) }), (form) => session.dial(trimmed(form, 'to')));

// summarise says what is chosen without unfolding it.
function summarise() {
  const form = new FormData($('sign-in'));
  const label = (field) => $('sign-in').querySelector(`[name=${field}]:checked`)?.parentElement.textContent.trim();
  const grants = [form.get('incoming') && 'receives', form.get('outgoing') && 'makes'].filter(Boolean).join(' and ');
  $('chosen').textContent = `${label('sdk')}, ${label('token').replace('Capability', 'capability')}, ${grants ? `${grants} calls` : 'no calls'}`;
}
$('sign-in').addEventListener('change', summarise);
summarise();

const onClick = (id, handle) => $(id).addEventListener('click', handle);
onClick('sign-out', () => session.signOut());
onClick('accept', () => session.accept());
onClick('reject', () => session.reject());
onClick('hang-up', () => session.hangUp());
onClick('mute', () => session.mute());
onClick('register', () => session.registerAgain());
onClick('call-echo', () => session.dial($('call-echo').textContent));
onClick('dismiss', () => following(() => (session ? session.dismiss() : notify(''))));

// The keys of the keypad, and those of the keyboard while it is open.
for (const key of document.querySelectorAll('.keys button')) {
  key.addEventListener('click', () => session.sendDigits(key.textContent));
}
addEventListener('keydown', ({ key, target, ctrlKey, altKey, metaKey }) => {
  const typed = /^[0-9*#]$/.test(key) && !ctrlKey && !altKey && !metaKey && !target.matches('input, select');
  if (typed && $('keypad').open && $('controls').checkVisibility()) {
    session.sendDigits(key);
  }
});

$('audio').addEventListener('toggle', () => $('audio').open && listDevices(session));
$('microphone').addEventListener('change', ({ target }) => session.chooseMicrophone(target.value));
$('speaker').addEventListener('change', ({ target }) => session.chooseSpeaker(target.value));

setInterval(() => tick(session), 1000);

// On a telephone what the token says, and what has happened, is folded away at first.
for (const id of ['token-details', 'event-details']) {
  $(id).open = !matchMedia('(max-width: 40rem)').matches;
}

// A link in another tab has the name.
$('name').value = new URLSearchParams(location.search).get('name') ?? '';

// A page that is loaded again goes on with its session.
const remembered = sessionStorage.getItem('session');
if (remembered) {
  start(JSON.parse(remembered));
} else {
  render(session);
}
