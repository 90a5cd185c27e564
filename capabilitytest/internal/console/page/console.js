// The console of the stand-in. It follows /console/events and shows what it is told: texts as texts, never as markup.

const $ = (id) => document.getElementById(id);
const maxEvents = 4000; // as many as the stand-in keeps
const refusedFor = 10 * 60e3; // ms that a refused token is shown
const world = { about: {}, events: [], byCall: new Map(), state: { devices: [], calls: [], phones: [] } };
const chosen = { call: null, row: null, tab: 'Request', failedOnly: false, seenFailures: new Set() };
const talks = new Map(); // the connections with which this page speaks, by telephone number

// el makes an element: el('li.card', {title: 'x'}, children…). Properties that start with "on" are listeners.
function el(spec, properties = {}, ...children) {
  const [tag, ...classes] = spec.split('.');
  const node = document.createElement(tag);
  node.className = classes.join(' ');
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return node;
}

// sync makes the children of a list those of the items, and leaves those alone that are as they were: with them stay the
// focus, and what is folded open.
function sync(parent, items, key, make) {
  const old = new Map([...parent.children].map((node) => [node.key, node]));
  items.forEach((item, i) => {
    const mark = JSON.stringify(item);
    let node = old.get(key(item));
    if (node?.mark !== mark) {
      const fresh = Object.assign(make(item), { key: key(item), mark });
      if (node) replace(node, fresh);
      node = fresh;
    }
    old.delete(node.key);
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
  });
  old.forEach((node) => node.remove());
}

function replace(node, fresh) {
  const parts = (of) => [...of.querySelectorAll('button, input, select, summary')];
  const focused = parts(node).indexOf(document.activeElement);
  node.querySelectorAll('details').forEach((details, i) => { fresh.querySelectorAll('details')[i]?.toggleAttribute('open', details.open); });
  node.replaceWith(fresh);
  parts(fresh)[focused]?.focus();
}

async function post(action, params = {}) {
  const request = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(params) };
  const response = await fetch(`/console/${action}`, request).catch(() => { throw new Error('The stand-in cannot be reached.'); });
  const text = await response.text();
  if (!response.ok) throw new Error(text.trim());
  return text;
}

// notify says why something cannot be done, for a while.
const notify = (words) => { clearTimeout(notify.timer); $('notice').textContent = words; if (words) notify.timer = setTimeout(notify, 10e3, ''); };

// act is a listener that does something, and says why it cannot.
const act = (f) => async (event) => {
  event?.preventDefault();
  try {
    notify('');
    await f(event);
  } catch (error) {
    notify(error.message);
  }
};
const does = (action, params) => act(() => post(action, params));
// copies is a listener that copies what text returns, and says so on its button.
const copies = (text) => act(async ({ currentTarget: button }) => {
  await navigator.clipboard.writeText(await text());
  const words = button.dataset.words ??= button.textContent;
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = words; }, 1500);
});

const name = (party) => party.replace(/^client:/, '');
const laneName = (lane) => ({ 'stand-in': 'Stand-in', backend: 'Your backend' })[lane] ?? name(lane);
const count = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;
const clock = (ms) => { const s = Math.max(0, Math.floor(ms / 1000)); return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`; };
const time = (at) => new Date(at).toTimeString().slice(0, 8);
const live = (call) => !call.ended;
const failed = (call) => Boolean(call.fault) || ['busy', 'failed', 'no-answer'].includes(call.status);
const tone = (call) => (live(call) ? 'good' : failed(call) ? 'bad' : 'muted');
const reason = (fault) => (fault ? `${fault.code}: ${fault.message}` : '');
const took = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : ms < 60e3 ? `${(ms / 1000).toFixed(1)} s` : clock(ms));

let drawing = 0;
const draw = () => { drawing ||= requestAnimationFrame(() => { drawing = 0; drawNow(); }); };

function drawNow() {
  const { devices, calls, phones } = world.state;
  const clients = Object.values(Object.groupBy(devices, (device) => device.clientName)).sort(([a], [b]) => a.clientName.localeCompare(b.clientName));
  const refused = refusals().filter(({ token }) => token.advice || !devices.some((device) => device.fault && device.clientName === token.clientName));
  $('url').textContent = world.about.url?.replace('http://', '') ?? '';
  drawVoice();
  $('devices-title').textContent = `Devices · ${devices.length}`;
  $('no-devices').hidden = clients.length + refused.length > 0;
  sync($('devices'), [...clients, ...refused], (card) => (card.token ? card.seq : card[0].clientName), (card) => (card.token ? refusedCard(card) : deviceCard(card)));
  sync($('clients'), [...new Set(devices.filter((d) => d.registered).map((d) => d.clientName))], (client) => client, (client) => el('option', { value: client }));
  sync($('phones'), phones.map((phone) => ({ ...phone, talks: talks.has(phone.number) })), (phone) => phone.number, phoneCard);
  $('calls-title').textContent = `Calls · ${calls.length}`;
  const shown = calls.filter((call) => (!chosen.failedOnly || failed(call)) && `${call.from} ${call.to} ${call.status} ${reason(call.fault)}`.includes($('filter').value));
  sync($('calls'), shown.map((call) => ({ ...call, chosen: call.sid === current()?.sid })), (call) => call.sid, callItem);
  drawCall(current());
  const failures = calls.filter(failed).map(({ sid }) => sid);
  if (document.hasFocus()) failures.forEach((sid) => chosen.seenFailures.add(sid));
  const icon = failures.every((sid) => chosen.seenFailures.has(sid)) ? '/console/icon.svg' : '/console/icon-failed.svg';
  if (document.querySelector('link[rel=icon]').getAttribute('href') !== icon) document.querySelector('link[rel=icon]').href = icon;
  document.title = `${count(devices.length, 'device')} · ${count(calls.filter(live).length, 'call')} – stand-in`;
  tick();
}

// current is the call that is shown: the chosen one, or the newest.
const current = () => world.state.calls.find(({ sid }) => sid === chosen.call) ?? world.state.calls[0];
const choose = (call, row = null) => { Object.assign(chosen, { call, row }); draw(); };

// tick updates what time alone changes.
function tick() {
  for (const node of document.querySelectorAll('[data-until]')) {
    const left = Date.parse(node.dataset.until) - Date.now();
    if (node.tagName === 'I') node.style.width = `${Math.max(0, Math.min(100, 100 * left / (Date.parse(node.dataset.until) - Date.parse(node.dataset.shown))))}%`;
    else node.textContent = left > 0 ? `${clock(left)} left` : 'expired';
  }
  for (const node of document.querySelectorAll('[data-since]')) node.textContent = clock((Date.parse(node.dataset.to) || Date.now()) - Date.parse(node.dataset.since));
}
const lasts = (call, spec = 'span') => el(spec, { 'data-since': call.answered ?? call.started, 'data-to': call.ended });

function drawVoice() {
  const last = world.events.findLast(({ webhook }) => webhook && !webhook.callback && !webhook.pending)?.webhook;
  $('voice').hidden = !last && !world.about.voiceUrl;
  $('voice').className = `pill ${last ? (last.problem ? 'bad' : 'good') : ''}`;
  $('voice').textContent = last ? `${last.url.split('?')[0]} → ${last.status || 'no answer'} in ${took(last.ms)}` : `Voice URL ${world.about.voiceUrl}`;
}

// refusals are the tokens that were refused lately, but for those of clients that have shown a better one since.
function refusals() {
  const cards = new Map();
  for (const event of world.events) {
    if (event.kind !== 'token') continue;
    const key = event.token?.clientName || event.client || event.token?.start + event.token?.end;
    if (event.token && event.fault && Date.now() - Date.parse(event.at) < refusedFor) cards.set(key, event);
    else if (!event.fault) cards.delete(event.client);
  }
  return [...cards.values()];
}

function refusedCard({ token, fault, client }) {
  return el('li.refused', {},
    el('div.top', {}, el('strong', {}, token.clientName || client || 'A device'), el('span.pill.bad', {}, `refused · ${fault.code}`)),
    el('p.bad', {}, fault.message), el('p.muted', {}, token.advice),
    token.start && el('p.sub', {}, el('span', {}, token.kind), el('span.mono', {}, `${token.start}…${token.end}`)),
    token.claims && el('details.tools', {}, el('summary', {}, 'What the token says'), el('pre', { tabindex: 0 }, pretty(token.claims))));
}
const pretty = (json) => { try { return JSON.stringify(JSON.parse(json), null, 2); } catch { return json; } };

function deviceCard(devices) {
  const client = devices[0].clientName;
  const busy = devices.find(({ status }) => status !== 'ready');
  const newest = devices.findLast(({ expiresAt }) => expiresAt) ?? devices[0];
  const unique = (f) => [...new Set(devices.map(f).filter(Boolean))].join(', ');
  const params = Object.entries(newest.params ?? {}).map(([key, values]) => `${key}=${values}`).join(' ');
  return el('li', {},
    el('div.top', {}, el('strong', {}, client || 'No client name'),
      newest.fault ? el('span.pill.bad', {}, newest.fault.code) : el(`span.pill.${busy ? 'good' : ''}`, {}, busy ? busy.status : newest.registered ? 'ready' : 'not registered'),
      devices.length > 1 && el('span.pill', {}, count(devices.length, 'device'))),
    newest.fault && el('p.bad', {}, newest.fault.message),
    el('div.sub', {},
      el('span', {}, `SDK ${unique(({ sdk }) => sdk)}`),
      el('span', {}, unique(({ accessToken, expiresAt }) => expiresAt && (accessToken ? 'Access Token' : 'Capability token'))),
      el('span', {}, [newest.incoming && '↓ receives', newest.outgoing && '↑ calls'].filter(Boolean).join(' '))),
    newest.expiresAt && el('div.life', {}, el('i', { 'data-until': newest.expiresAt, 'data-shown': newest.shown })),
    el('div.sub', {}, newest.expiresAt && el('span', { 'data-until': newest.expiresAt }), params && el('span.mono', { title: 'signed in the token' }, params)),
    el('details.tools', {}, el('summary', {}, `Actions for ${client}`),
      el('div.tools', {}, el('button', { onclick: () => { $('ring-to').value = client; $('ring-to').focus(); } }, 'Ring'),
        el('button', { onclick: does('expire', { client }) }, 'Expire token'), el('button', { onclick: does('disconnect', { client }) }, 'Cut socket'),
        el('span.muted', {}, 'Refuse the next token with'),
        [31202, 31204, 31205, 20104].map((code) => el('button', { onclick: does('refuse', { client, code }) }, String(code))))));
}

function phoneCard({ number, status, with: other, played, talks: talking }) {
  const button = (words, action) => el('button', { onclick: does(action, { number }) }, words);
  return el('li', {},
    el('div.top', {}, el('strong', {}, number), el(`span.pill.${status === 'free' ? '' : 'good'}`, {}, talking ? 'you are speaking' : status), other && el('span.muted', {}, `with ${name(other)}`)),
    !played && el('p.muted', {}, 'It answers by itself after two seconds.'),
    status !== 'free' && el('div.tools', {},
      !talking && el('button.primary', { onclick: act(() => talk(number)) }, status === 'ringing' ? 'Answer with the microphone' : 'Join with the microphone'),
      status === 'ringing' && [button('Answer silently', 'accept'), button('Reject', 'reject')],
      status === 'on a call' && [button('Hang up', 'hangup'), pad((keys) => post('press', { number, keys }))]));
}
const pad = (press) => el('span.pad', { role: 'group', 'aria-label': 'Press' }, [...'123456789*0#'].map((key) => el('button', { onclick: act(() => press(key)) }, key)));

function callItem(call) {
  return el('li', {}, el('button', { 'aria-current': call.chosen || undefined, onclick: () => choose(call.sid) },
    el(`span.dot.${tone(call)}`), el('span', {}, `${name(call.from)} → ${name(call.to) || '?'}`),
    live(call) ? lasts(call, 'time') : el('time', {}, time(call.started)),
    el('small', {}, [call.status, reason(call.fault)].filter(Boolean).join(' · '))));
}

function drawCall(call) {
  $('setup').hidden = Boolean(call);
  $('call').hidden = !call;
  if (!call) {
    drawSteps();
    drawDetail();
    return;
  }
  $('call-title').textContent = `${name(call.from)} → ${name(call.to) || '?'}`;
  $('call-status').className = `pill ${tone(call)}`;
  $('call-status').replaceChildren(`${call.status} `, lasts(call));
  $('call-facts').replaceChildren(el('code', {}, call.sid), el('span', {}, `started ${time(call.started)}`), call.answered ? el('span', {}, `answered after ${took(Date.parse(call.answered) - Date.parse(call.started))}`) : '', call.digits ? el('span', {}, `digits ${call.digits}`) : '');
  $('call-fault').textContent = reason(call.fault);
  const rows = rowsOf(call);
  const lanes = [...new Set([call.from, 'stand-in', ...rows.some(({ to }) => to === 'backend') ? ['backend'] : [], ...rows.flatMap(({ from, to }) => [from, to])])];
  $('ladder').style.setProperty('--lanes', lanes.length);
  sync($('lanes'), lanes, (lane) => lane, (lane) => el('b', {}, el('span', {}, laneName(lane).replace(/^(\+\d+)(\d{7})$/, '$1 $2')))); // a number in one line or two
  sync($('lines'), lanes, (lane) => lane, () => el('i'));
  const row = rows.find(({ key }) => key === chosen.row) ?? rows.find((r) => r.failed && r.webhook) ?? rows.find((r) => r.webhook) ?? rows[0];
  sync($('rows'), rows.map((r) => ({ ...r, pressed: r === row, lanes, call: r.what === 'connected' ? call : null })), ({ key }) => key, rowItem);
  drawActs(call, lanes);
  drawDetail(row, call);
}

// rowsOf returns the rows of a call in the order of time. What several devices are told at once is one row.
function rowsOf(call) {
  const events = world.byCall.get(call.sid) ?? [];
  const all = events.flatMap((event) => (event.steps ?? []).map((step, i) => ({ ...step, event: event.seq, kind: event.kind, webhook: Boolean(event.webhook), key: `${event.seq}/${i}` })));
  const rows = [];
  for (const row of all) {
    const last = rows.at(-1);
    if (last && row.kind === 'signal' && ['kind', 'from', 'to', 'what', 'detail'].every((field) => row[field] === last[field])) last.times = (last.times ?? 1) + 1;
    else rows.push({ ...row, ms: Math.max(0, Date.parse(row.at) - Date.parse(call.started)) });
  }
  return rows;
}

function rowItem(row) {
  const [from, to] = [row.lanes.indexOf(row.from), row.lanes.indexOf(row.to)];
  const [first, last] = [Math.min(from, to), Math.max(from, to)];
  const what = row.times ? `${row.what} ×${row.times}` : row.what;
  let picture;
  if (row.what === 'connected') picture = el('span.talk', {}, `${row.call.ended ? 'talked' : 'talking'} `, lasts({ ...row.call, answered: row.at }));
  else if (from === to) picture = el(`span.self${row.failed ? '.bad' : ''}`, {}, row.what.replace(/(, \d{5}): .*/s, '$1'));
  else picture = el(`span.arrow.${from < to ? 'right' : 'left'}.${row.failed ? 'bad' : ['answer', '200'].includes(row.what) ? 'good' : ''}`, {}, el('span', {}, el('b', {}, what), ' ', el('em', {}, [row.failed ? row.detail?.split(':')[0] : row.detail?.replaceAll('-', '\u2011'), row.duration?.replace(' ', '\u00a0')].filter(Boolean).join(' '))));
  picture.style.gridColumn = from === to ? `2 / -1` : `${first + 2} / ${last + 3}`;
  picture.style.setProperty('--span', last - first + 1);
  picture.setAttribute('aria-hidden', 'true');
  return el('li', {}, el('button.row', { 'aria-pressed': String(row.pressed), onclick: () => choose(current().sid, row.key) },
    el('span.unseen', {}, `${took(row.ms)}: ${row.says}${row.times ? `, ${row.times} times` : ''}`), el('time', { 'aria-hidden': 'true' }, `+${took(row.ms)}`), picture));
}

function drawActs(call, lanes) {
  const clients = lanes.filter((lane) => lane.startsWith('client:'));
  sync($('acts'), live(call) ? ['end', ...clients, ...call.answered ? [`keys ${call.from}`] : []] : ['over'], (what) => what + call.sid, (what) => {
    if (what === 'over') return el('span.muted', {}, 'The call is over.');
    if (what === 'end') return el('button', { onclick: does('end', { call: call.sid }) }, 'End call');
    if (what.startsWith('client:')) return el('button', { onclick: does('disconnect', { client: name(what) }) }, `Cut socket of ${name(what)}`);
    return el('span.pad', {}, el('span.muted', {}, `Press as ${name(call.from)}`), pad((keys) => post('digits', { call: call.sid, keys })));
  });
}

function drawSteps() {
  const token = world.events.find(({ kind, fault }) => kind === 'token' && !fault);
  const device = world.state.devices.find(({ registered }) => registered);
  const tag = `<script src="${world.about.url}/standin.js"></script>`;
  const steps = [
    { text: 'Give your backend the credentials of the stand-in', done: token && `${token.client || 'A device'} has shown a valid token`, copy: 'credentials' },
    { text: 'Load standin.js in the page, before the SDK', done: world.events.some(({ kind }) => kind === 'page') && 'A page has loaded standin.js', code: tag },
    { text: 'Register a device', done: device && `${device.clientName} is registered` },
    world.about.voiceUrl ? { text: 'Start the stand-in with your voice URL', done: `Calls are handled by ${world.about.voiceUrl}` }
      : { text: 'Start the stand-in with your voice URL. Without one, it rings the client named in the parameter To.', code: '-voice http://127.0.0.1:3000/voice' },
    { text: 'Make a call', waits: 'Waiting for the first call…' },
  ];
  sync($('steps'), steps.map((step, i) => ({ ...step, i })), ({ i }) => i, ({ text, done, copy, code, waits, i }) => el('li', {},
    el(`strong${done ? '.done' : ''}`, { 'aria-label': done ? 'done' : `step ${i + 1}` }, done ? '✓' : `${i + 1}.`), el('span', {}, text),
    copy || code ? el('button', { onclick: copies(() => (copy ? post('credentials') : code)), 'aria-label': `Copy: ${text}` }, 'Copy') : el('span'),
    code && el('pre', { tabindex: 0 }, code), (done || waits) && el(`p${done ? '.good' : '.muted'}`, {}, done || waits)));
}

function drawDetail(row, call) {
  const events = world.byCall.get(call?.sid) ?? [];
  let event = row && events.find(({ seq }) => seq === row.event);
  if (event?.webhook) event = events.findLast(({ webhook }) => webhook?.id === event.webhook.id); // with the answer, if there is one
  const verbs = event?.webhook ? outcomes(event.webhook.id, call) : null;
  const mark = JSON.stringify([event?.seq, row?.key, chosen.tab, verbs && [...verbs]]);
  if ($('detail').mark === mark) return;
  const fresh = el('section', { id: 'detail', class: 'pane', 'aria-label': 'What the chosen row says' });
  if (event?.webhook) fresh.append(...webhookDetail(event, verbs, call));
  else if (event) fresh.append(el('h2', {}, event.text || row.says), facts([['at', time(event.at)], ...row.from === row.to ? [] : [['from', laneName(row.from)], ['to', laneName(row.to)]], ...event.fault ? [['code', event.fault.code], ['because', event.fault.message]] : []]));
  else fresh.append(el('p.muted', {}, 'Requests to your backend appear here, with their answers and signatures.'));
  replace($('detail'), Object.assign(fresh, { mark }));
}
const facts = (pairs) => el('dl', {}, pairs.map(([term, value]) => [el('dt', {}, term), el('dd', {}, value instanceof Node ? value : String(value))]));

function webhookDetail({ seq, webhook }, verbs, call) {
  const tabs = { Request: requestTab, Signature: signatureTab, Raw: rawTab };
  const turn = ({ key, target }) => {
    const next = { ArrowRight: target.nextSibling ?? target.parentNode.firstChild, ArrowLeft: target.previousSibling ?? target.parentNode.lastChild }[key];
    next?.focus();
    next?.click();
  };
  return [
    el('div.title', {}, el('h2', {}, `${webhook.method} ${webhook.url.split('?')[0]}`), el(`span.pill.${webhook.problem ? 'bad' : webhook.pending ? 'warn' : 'good'}`, {}, webhook.pending ? 'waiting…' : `${webhook.status || 'no answer'} · ${webhook.ms.toFixed(webhook.ms < 10 ? 1 : 0)} ms`)),
    webhook.problem ? el('p.bad', {}, webhook.problem) : el('p.muted', {}, webhook.again ? 'It was sent again. The answer has no effect.' : webhook.callback ? 'The stand-in told your backend what happened.' : 'The stand-in asked your backend what to do.'),
    el('div', { role: 'tablist', 'aria-label': 'The request', onkeydown: turn }, Object.keys(tabs).map((tab) => el('button', { role: 'tab', id: `tab-${tab}`, 'aria-controls': 'panel', 'aria-selected': String(tab === chosen.tab), tabindex: tab === chosen.tab ? 0 : -1, onclick: () => { chosen.tab = tab; draw(); } }, tab))),
    el('div.panel', { role: 'tabpanel', id: 'panel', 'aria-labelledby': `tab-${chosen.tab}` }, tabs[chosen.tab](webhook, verbs, call)),
    el('div.tools', {}, el('button.primary', { onclick: does('replay', { seq }) }, 'Send again'), el('button', { onclick: copies(() => webhook.curl) }, 'Copy as curl')),
  ];
}

function requestTab(webhook, verbs, call) {
  const signed = (key) => (call.signed ?? []).includes(key);
  const form = Object.entries(webhook.form ?? {}).flatMap(([key, values]) => values.map((value) => [key, signed(key) ? el('span', {}, el('em', {}, value), el('span.muted', {}, ' signed in the token')) : value]));
  return [facts(form), webhook.body && el('h3', {}, 'Answer'), webhook.body && el('pre', { tabindex: 0 }, twiml(webhook.body, verbs)),
    verbs.get('').map((fault) => el('p.bad', {}, `✗ ${fault}`))];
}

const signatureTab = (webhook) => [
  el('p.muted', {}, 'The stand-in signed this text with the auth token: the URL as it knows it, then the parameters, sorted by name. If your backend answers 403, compare it with the text that your backend checks.'),
  el('pre', { tabindex: 0 }, webhook.signed), el('h3', {}, 'X-Twilio-Signature'), el('pre', { tabindex: 0 }, webhook.signature)];

const rawTab = (webhook) => [facts([['URL', webhook.url], ['Content-Type', webhook.contentType || 'none']]), el('pre', { tabindex: 0 }, webhook.body || '(no body)')];

// outcomes returns what became of the verbs of a document, by name and place, and under '' what is wrong with it as a whole.
function outcomes(document, call) {
  const found = new Map([['', []]]);
  for (const { verb, kind, steps, text, fault } of world.byCall.get(call.sid) ?? []) {
    if (verb?.document !== document) continue;
    const key = `${verb.name}#${verb.index}`;
    const before = found.get(key);
    const tells = ['ring', 'verb'].includes(kind) || steps?.[0]?.what === 'connected';
    if (verb.name) found.set(key, { text: (tells && text) || before?.text, fault: fault ?? before?.fault });
    else if (fault) found.get('').push(reason(fault));
  }
  return found;
}

// twiml returns a document with a line for each element, and what became of its verbs.
function twiml(body, verbs) {
  const root = /^\s*</.test(body) && new DOMParser().parseFromString(body, 'text/xml').documentElement;
  if (root.nodeName !== 'Response') return [body];
  const seen = {};
  const show = (node, indent) => {
    const outcome = node.parentNode === root && verbs.get(`${node.nodeName}#${(seen[node.nodeName] = (seen[node.nodeName] ?? -1) + 1)}`);
    const attributes = [...node.attributes].flatMap((a) => [' ', el('span.name', {}, a.name), `="${a.value}"`]);
    const inner = [...node.childNodes].filter((child) => child.nodeType === 1 || child.textContent.trim());
    const plain = inner.every((child) => child.nodeType !== 1);
    const parts = [indent, el('span.tag', {}, `<${node.nodeName}`), ...attributes, el('span.tag', {}, inner.length ? '>' : '/>')];
    if (plain) parts.push(...inner.map((child) => child.textContent.trim()));
    else parts.push('\n', ...inner.flatMap((child) => (child.nodeType === 1 ? show(child, `${indent}  `) : [`${indent}  ${child.textContent.trim()}\n`])), indent);
    if (inner.length) parts.push(el('span.tag', {}, `</${node.nodeName}>`));
    if (outcome) parts.push(el(`span.${outcome.fault ? 'bad' : 'good'}`, {}, `\n${indent}${outcome.fault ? `✗ ${reason(outcome.fault)}` : `✓ ${outcome.text ?? 'done'}`}`));
    return [...parts, '\n'];
  };
  return show(root, '');
}

// talk lets this page speak and hear in place of a telephone.
async function talk(number) {
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
  const connection = new RTCPeerConnection();
  const stop = () => { connection.close(); sound.getTracks().forEach((track) => track.stop()); };
  try {
    sound.getTracks().forEach((track) => connection.addTrack(track, sound));
    connection.ontrack = ({ streams: [heard] }) => { Object.assign(new Audio(), { srcObject: heard, autoplay: true }); };
    await connection.setLocalDescription();
    await connection.setRemoteDescription({ type: 'answer', sdp: await post('talk', { number, offer: connection.localDescription.sdp }) });
    talks.set(number, stop);
  } catch (error) {
    stop();
    throw error;
  }
}

// stopTalks ends those whose telephone has been hung up. The state may be older than the talk.
function stopTalks() {
  const busy = world.state.phones.filter(({ status }) => status !== 'free').map(({ number }) => number);
  talks.forEach((stop, number) => { if (!busy.includes(number)) { stop(); talks.delete(number); } });
}

function clear() {
  world.events = [];
  world.byCall.clear();
  Object.assign(chosen, { call: null, row: null });
}

function take(event) {
  if (event.kind === 'reset') clear();
  world.events.push(event);
  if (world.events.length > maxEvents) world.events.splice(0, maxEvents / 10);
  if (!event.call) return;
  if (!world.byCall.has(event.call)) world.byCall.set(event.call, []);
  world.byCall.get(event.call).push(event);
  if (world.byCall.size > 400) world.byCall.delete(world.byCall.keys().next().value);
}

function connect() {
  const source = new EventSource('/console/events');
  const on = (kind, f) => source.addEventListener(kind, ({ data }) => { f(JSON.parse(data)); draw(); });
  const say = (words, look) => { $('live').textContent = words; $('live').className = `pill ${look}`; };
  on('start', (about) => { clear(); world.about = about; });
  on('event', take);
  on('state', (state) => { world.state = state; stopTalks(); });
  source.onopen = () => say('live', 'good');
  source.onerror = () => {
    say('reconnecting…', 'warn');
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

$('ring').onsubmit = act(async () => {
  const [after, keys = ''] = $('ring-then').value.split(' ');
  await post('ring', { number: $('ring-from').value, client: $('ring-to').value, after: Number(after), keys });
  choose(null);
});
$('play').onsubmit = act(() => post('phone', { number: $('play-number').value }));
$('reset').onclick = does('reset');
$('copy-credentials').onclick = copies(() => post('credentials'));
$('copy-script').onclick = copies(() => `<script src="${world.about.url}/standin.js"></script>`);
$('failed').onclick = ({ currentTarget: button }) => { chosen.failedOnly = !chosen.failedOnly; button.setAttribute('aria-pressed', String(chosen.failedOnly)); draw(); };
$('filter').oninput = draw;
window.onfocus = draw;

const step = (list, by) => { drawNow(); const all = [...$(list).querySelectorAll('button')]; const next = all[all.findIndex((b) => b.matches('[aria-current=true], [aria-pressed=true]')) + by]; next?.click(); next?.focus(); };
const keys = {
  c: () => (world.state.calls.some(live) ? $('reset').focus() : $('reset').click()), // a slip should end no call
  j: () => step('calls', 1), k: () => step('calls', -1), ArrowDown: () => step('rows', 1), ArrowUp: () => step('rows', -1), r: () => $('ring-to').focus(), '/': () => $('filter').focus(),
};
document.addEventListener('keydown', (event) => {
  if (event.target.matches('input, select, pre, [role=tab]') || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
setInterval(tick, 1000);
connect();
