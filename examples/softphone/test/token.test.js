import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readToken } from '../static/token.js';

// vectors are tokens that Twilio's own libraries have minted.
function vectors(file) {
  const text = readFileSync(new URL(`../../../testdata/vectors/${file}.jsonl`, import.meta.url), 'utf8');
  return text.trim().split('\n').map((line) => JSON.parse(line));
}

const read = ({ jwt, now, ttl }) => readToken({ token: jwt, expiresAt: new Date((now + ttl) * 1000).toISOString() });
const find = (file, id) => vectors(file).find((vector) => vector.id === id);

for (const file of ['python', 'node', 'access']) {
  test(`every token of ${file}.jsonl can be shown`, () => {
    const all = vectors(file);
    assert.ok(all.length > 200);
    for (const vector of all) {
      const token = read(vector);
      assert.equal(token.account, vector.accountSid, vector.id);
      assert.equal(token.keySID, vector.apiKeySid ?? '', vector.id);
      assert.equal(token.incoming, vector.calls.some(([name]) => name === 'allowClientIncoming'), vector.id);
      for (const { code, meaning } of token.grants) {
        assert.equal(typeof code, 'string', vector.id);
        assert.match(meaning, /^(Receives calls to .+|Makes calls through the application|Other)/s, vector.id);
      }
    }
  });
}

test('a push credential is shown beside the other grants', () => {
  assert.deepEqual(read(find('access', 'push-0')).grants, [
    { code: '"incoming":{"allow":true}', meaning: 'Receives calls to tommy' },
    { code: '"push_credential_sid":"CR1"', meaning: 'Other' },
  ]);
});

test('a grant may have the name of a method', () => {
  const claims = { sub: 'AC1', iss: 'SK1', exp: 60, nbf: 0, grants: { identity: 'tommy', voice: { constructor: 1, toString: null } } };
  const token = `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
  const { grants } = readToken({ token, expiresAt: '1970-01-01T00:01:00Z' });
  assert.deepEqual(grants.map(({ meaning }) => meaning), ['Other', 'Other']);
});

test("the lifetime is the backend's, whatever this machine's clock says", () => {
  const token = read(find('python', 'grant-in'));
  assert.equal(token.lifetime, 3600 * 1000);
  assert.equal(token.start, 946684800 * 1000);
  assert.ok(Math.abs(token.end - Date.now() - token.lifetime) < 60_000);
});
