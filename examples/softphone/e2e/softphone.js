// What the tests share: the program under test, the browser, and the page as a user sees it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--allow-loopback-in-peer-connection',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

export const launch = (...more) => chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [...args, ...more],
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
});

const browser = await launch();
after(() => browser.close());

// Softphone is a running program, with the pages that are open on it.
export class Softphone {
  // start runs the program until the test ends, and then checks that it stops as it should, data races included, and
  // that no page did what it may not.
  static async start(t, { args = [], env = {} } = {}) {
    const softphone = new Softphone();
    softphone.contexts = [];
    softphone.faults = [];
    t.after(async () => {
      await Promise.all(softphone.contexts.map(async (context) => {
        await Promise.all(context.pages().map((page) => page.unrouteAll({ behavior: 'ignoreErrors' })));
        await context.close();
      }));
      await softphone.stop();
      assert.deepEqual(softphone.faults, []);
    });
    softphone.args = args;
    softphone.env = env;
    await softphone.run('127.0.0.1:0');
    return softphone;
  }

  async run(addr) {
    const binary = fileURLToPath(new URL('bin/softphone', import.meta.url));
    const program = spawn(binary, ['-addr', addr, ...this.args], {
      env: { GORACE: 'atexit_sleep_ms=0', ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.program = program;
    this.stderr = '';
    program.stderr.on('data', (data) => { this.stderr += data; });
    const exited = new Promise((resolve) => { program.on('exit', resolve); });
    this.stop = async () => {
      program.kill('SIGTERM');
      assert.equal(await exited, 0, this.stderr);
    };
    const line = await Promise.race([
      new Promise((resolve) => { createInterface(program.stdout).once('line', resolve); }),
      exited.then(() => assert.fail(`the program stopped: ${this.stderr}`)),
    ]);
    this.url = line.match(/http:\S+/)[0];
  }

  // restart ends the program and runs another on the same port, with other credentials.
  async restart() {
    await this.stop();
    await this.run(new URL(this.url).host);
  }

  // open loads the page in a browser profile of its own. No request may go to a host but the program's and those allowed.
  async open({ allow = [], within = browser, ...options } = {}) {
    const context = await within.newContext({ permissions: ['microphone'], ...options });
    this.contexts.push(context);
    const check = (url) => {
      if (new URL(url).host !== new URL(this.url).host && !allow.includes(new URL(url).hostname)) {
        this.faults.push(`a request to ${url}`);
      }
    };
    context.on('request', (request) => check(request.url()));
    context.on('response', (response) => {
      if (response.status() === 404) {
        this.faults.push(`${response.url()} is not found`);
      }
    });
    context.on('weberror', (error) => {
      const { message, stack } = error.error();
      if (!/play\(\) request was interrupted/.test(message)) { // by SDK 1.x, which stops its ringtone before it has begun
        this.faults.push(stack || message);
      }
    });
    context.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) {
        this.faults.push(message.text());
      }
    });
    context.on('page', (page) => page.on('websocket', (socket) => check(socket.url())));
    return this.openIn(context);
  }

  async openIn(context) {
    const phone = new Phone(await context.newPage());
    await phone.page.goto(this.url);
    return phone;
  }

  // openOnLine opens the page with a line that the test can cut.
  async openOnLine() {
    const phone = await this.open();
    const lost = { code: 1006 }; // as a browser has it when a socket ends without a word
    let sockets = [];
    let isCut = false;
    await phone.page.routeWebSocket(/signal/, (page) => {
      if (isCut) {
        page.close(lost);
      } else {
        sockets.push([page, page.connectToServer()]);
      }
    });
    phone.cut = () => {
      isCut = true;
      const open = sockets;
      sockets = [];
      return Promise.all(open.flatMap(([page, gateway]) => [page.close(lost), gateway.close()]));
    };
    phone.mend = () => { isCut = false; };
    await phone.page.reload(); // a socket is routed only on a page that is loaded afterwards
    return phone;
  }

  // openUnder opens the page under another Permissions-Policy, in a browser of its own.
  async openUnder(t, policy) {
    const within = await launch('--disable-features=LocalNetworkAccessChecks'); // the answer below is nobody's address
    t.after(() => within.close());
    const phone = await this.open({ within });
    await phone.page.route(this.url, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), 'permissions-policy': policy } });
    });
    await phone.page.reload();
    return phone;
  }

  // logged waits until the program has logged a text.
  async logged(text) {
    while (!this.stderr.includes(text)) {
      await once(this.program.stderr, 'data');
    }
  }

  // device opens a page, signs in, and waits until the device is ready.
  async device(name, choice) {
    const phone = await this.open();
    await phone.signIn(name, choice);
    await phone.state('Ready');
    return phone;
  }

  devices(names, choice) {
    return Promise.all(names.map((name) => this.device(name, choice)));
  }
}

// Phone is the page.
export class Phone {
  constructor(page) {
    this.page = page;
  }

  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  async signIn(name, { incoming = true, outgoing = true, sdk = 'SDK 2.18.5', token = 'Capability token' } = {}) {
    await this.page.getByLabel('Client name').fill(name);
    await this.unfold('choices');
    await this.page.getByLabel('receive calls').setChecked(incoming);
    await this.page.getByLabel('make calls').setChecked(outgoing);
    await this.page.getByRole('radio', { name: sdk }).check();
    await this.page.getByRole('radio', { name: token }).check();
    await this.button('Sign in').click();
  }

  // unfold opens a details element.
  async unfold(id) {
    await this.page.locator(`#${id}`).evaluate((details) => { details.open = true; });
  }

  // violations are what axe-core finds wrong with the page as it is.
  async violations() {
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  }

  // name is who has signed in.
  name() {
    return this.page.locator('#client').textContent();
  }

  async dial(name) {
    await this.page.getByLabel('Client to call').fill(name);
    await this.button('Call').click();
  }

  async accept() {
    await this.button('Accept').click();
  }

  async hangUp() {
    await this.button('Hang up').click();
  }

  // The following wait until the page shows something.

  async focused(id) {
    await this.page.waitForFunction((id) => document.activeElement.id === id, id);
  }

  async state(text) {
    await this.page.locator('#state').getByText(text, { exact: true }).waitFor();
  }

  async notice(text) {
    await this.page.getByRole('alert').filter({ hasText: text }).waitFor();
  }

  // said waits until the page says how a call ended.
  async said(text) {
    await this.page.locator('#said').filter({ hasText: text }).waitFor();
  }

  async rings(from) {
    await this.page.getByRole('heading', { name: `Call from ${from}` }).waitFor();
  }

  async talks(to) {
    await this.page.getByText(`Talking to ${to}`).waitFor();
  }

  // idle: there is no call, and none comes in.
  async idle() {
    await this.page.getByLabel('Client to call').waitFor();
    await this.button('Accept').waitFor({ state: 'hidden' });
  }

  // hears: bytes have gone both ways, and they are sound: the fake microphone beeps.
  async hears() {
    await this.page.waitForFunction(() => ['sent', 'received']
      .every((id) => parseFloat(document.getElementById(id).textContent) > 1));
    await this.page.waitForFunction(() => document.getElementById('output').value > 0);
  }

  // logged waits until the page has logged an event so many times.
  async logged(event, { times = 1, detail = '' } = {}) {
    await this.page.locator(`#log .${event}`, { hasText: detail }).nth(times - 1).waitFor({ state: 'attached' });
  }

  // events returns the names of all events so far, the first one first.
  async events() {
    return (await this.page.locator('#log b').allTextContents()).reverse();
  }
}

// talk has one of alice and tommy call the other, until both hear the other.
export async function talk(caller, callee) {
  const [from, to] = await Promise.all([caller.name(), callee.name()]);
  await caller.dial(to);
  await caller.logged('ringing');
  await callee.rings(from);
  await callee.notice('Department: support'); // the signed parameter
  await callee.accept();
  await Promise.all([caller.talks(to), callee.talks(from)]);
  await Promise.all([caller.state('On a call'), callee.state('On a call')]);
  await Promise.all([caller.hears(), callee.hears()]);
}
