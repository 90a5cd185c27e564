import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration } from '../static/format.js';
import { endOf, explain, isAbsent, isBadToken, isExpired, isPassing, nameMistake, numberOrNameMistake } from '../static/messages.js';

const call = { peer: 'tommy', onCall: false };

test('an error is explained by its code', () => {
  assert.equal(explain(31404, 'not found', call), 'No device is signed in as tommy. Check the name, or try again later.');
  assert.match(explain(20104, '', call), /^The token has expired\. The page fetches/);
  assert.match(explain(31205, '', { ...call, onCall: true }), /This call goes on/);
  assert.match(explain(31007, '', call), /SDK 1\.x/);
  assert.match(explain(31202, '', call), /^The gateway refused the token\. The page fetches/);
  assert.equal(explain(31202, '', { ...call, again: true }), 'The gateway refused the token.');
  assert.match(explain(31005, '', call), /^The connection to the gateway was lost\./);
  assert.match(explain(31005, '', { ...call, never: true }), /^The gateway cannot be reached\./);
  assert.match(explain(31486, '', { peer: '', onCall: false }), /^The other side is on another call/);
});

test('31201 is about outgoing calls, or in SDK 1.x about the microphone', () => {
  assert.match(explain(31201, 'Not allowed', call), /make calls/);
  assert.match(explain(31201, 'Cannot get Microphone', call), /microphone/);
});

test("of an unknown code the SDK's own words are shown, as a sentence", () => {
  assert.equal(explain(99999, 'something broke', call), 'Something broke.');
  assert.equal(explain(99999, 'Something broke.', call), 'Something broke.');
});

test('what another token helps against, and what passes', () => {
  for (const [code, bad, expired, passing] of [
    [20101, true, false, true], [31205, true, true, true], [31005, false, false, true], [31000, false, false, true],
    [31002, false, false, false], [31007, false, false, false], [99999, false, false, false],
  ]) {
    assert.deepEqual([isBadToken(code), isExpired(code), isPassing(code)], [bad, expired, passing], `${code}`);
  }
});

test('a name is absent if nobody has it, or only the caller', () => {
  assert.deepEqual([31404, 31486, 31480, 31002].map(isAbsent), [true, true, false, false]);
});

test('how a call ended, as far as the page can know', () => {
  const since = Date.now() - 61_000;
  for (const [end, says] of [
    [{ since, hungUp: true }, /^You hung up after 1:0[12]\.$/],
    [{ since, hungUp: true, lost: true }, /^You hung up after 1:0[12]\.$/],
    [{ since }, /^The call with tommy ended after 1:0[12]\.$/],
    [{ since, lost: true }, /^The connection to tommy was lost after 1:0[12]\.$/],
    // Another device named tommy was faster.
    [{ since, cancelled: true, incoming: true }, /^The call from tommy ended before it was answered here\.$/],
    [{ since: null, cancelled: true, incoming: true }, /^The call from tommy ended before it was answered here\.$/],
    [{ since: null, hungUp: true }, /^$/],
    [{ since: null, rejected: true, incoming: true }, /^$/],
    [{ since: null, explained: true }, /^$/],
    // SDK 1.x, when the socket is back on which it rang.
    [{ since: null, cancelled: true }, /^The call to tommy was cut off\. Call again\.$/],
    [{ since: null }, /^The call to tommy was cut off\. Call again\.$/],
    [{ since: null, incoming: true }, /^The call from tommy was cut off\.$/],
  ]) {
    assert.match(endOf({ peer: 'tommy', ...end }), says, JSON.stringify(end));
  }
});

test('a client name that the backend would refuse is refused at its field', () => {
  for (const [name, kind, says] of [
    ['', 'capability', /Enter a name/], ['tom my', 'capability', /only letters/], ['élise', 'capability', /only letters/],
    ['12345', 'capability', /at least one letter/],
    ['x'.repeat(257), 'capability', /at most 256/], ['x'.repeat(122), 'access', /at most 121/],
    ['x'.repeat(256), 'capability', /^$/], ['x'.repeat(121), 'access', /^$/], ['tommy_1', 'access', /^$/], ['12', 'capability', /^$/],
  ]) {
    assert.match(nameMistake(name, kind), says, name);
  }
});

test('clients and phone numbers can be called', () => {
  for (const to of ['+1 415 555-0100', '(415) 555 0100', '911', 'tommy']) {
    assert.equal(numberOrNameMistake(to), '');
  }
  assert.match(numberOrNameMistake('tom my'), /only letters/);
});

test('durations', () => {
  for (const [ms, text] of [[0, '0:00'], [1, '0:01'], [59_001, '1:00'], [3_599_000, '59:59'], [3_600_000, '1:00:00'], [86_400_000, '24:00:00']]) {
    assert.equal(duration(ms), text);
  }
});
