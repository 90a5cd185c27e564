// The page of the softphone: it signs in, fetches tokens, hands them to an SDK of Twilio, and shows what comes of it.

import { clock } from './format.js';
import { nameMistake, numberOrNameMistake } from './messages.js';
import { Session } from './session.js';
import { $, element, notify, render, renderCall, tick } from './view.js';

// session is who has signed in in this tab; null before.
let session = null;

const config = fetch('/config').then((response) => response.json());

// What nothing else handles, such as a browser that the SDK does not support, is shown all the same.
addEventListener('error', (event) => notify(event.message));
addEventListener('unhandledrejection', (event) => notify(String(event.reason?.message ?? event.reason)));

let local = false; // the gateway is a stand-in
config.then((settings) => {
  local = settings.local;
  $('gateway').textContent = settings.gateway;
  $('no-sdk1').hidden = local;
  $('sdk1').disabled = !local;
  $('no-api-key').hidden = settings.accessTokens;
  $('access-token').disabled = !settings.accessTokens;
});

// listener is what a session tells this page.
const listener = {
  changed() {
    render(session);
    follow();
  },
  heard: () => renderCall(session),
  signedIn: () => sessionStorage.setItem('session', JSON.stringify(session.choice)),
  log,
  notify,
  ended(reason) {
    session = null;
    sessionStorage.removeItem('session');
    render(session);
    notify(reason);
    $('name').focus();
  },
  rings() {
    // Accept is one Tab away, wherever the focus was; but what somebody types is not taken away.
    if (document.activeElement !== $('to') || ['', session.dialled].includes($('to').value.trim())) {
      $('incoming').focus();
    }
  },
};

// follow moves the focus on from what is no longer shown.
function follow() {
  if (document.activeElement.checkVisibility()) {
    return;
  }
  const [next] = ['incoming', 'hang-up', 'to'].filter((id) => $(id).checkVisibility());
  $(next)?.focus();
}

async function start(choice) {
  if (session) {
    return; // the button was pressed twice
  }
  notify('');
  session = new Session(choice, listener, config);
  render(session);
  await session.start();
  if (session) {
    $('to').focus();
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

// onSubmit checks a form's fields before anything is sent: what is wrong is said at the field.
function onSubmit(id, check, handle) {
  $(id).addEventListener('submit', (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    for (const [field, mistake] of Object.entries(check(form))) {
      $(field).setAttribute('aria-invalid', mistake !== '');
      $(`${field}-mistake`).textContent = mistake;
      if (mistake !== '') {
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
onSubmit('dial', (form) => ({ to: numberOrNameMistake(trimmed(form, 'to'), local) }), (form) => session.dial(trimmed(form, 'to')));
$('sign-out').addEventListener('click', () => session.signOut());
$('accept').addEventListener('click', () => session.accept());
$('reject').addEventListener('click', () => session.reject());
$('hang-up').addEventListener('click', () => session.hangUp());
$('mute').addEventListener('click', () => session.mute());
setInterval(() => tick(session), 1000);

// On a telephone what the token says is folded away at first.
$('token-details').open = !matchMedia('(max-width: 40rem)').matches;

// A page that is loaded again goes on with its session.
const remembered = sessionStorage.getItem('session');
if (remembered) {
  start(JSON.parse(remembered));
} else {
  render(session);
}
