// What a token says, to show it. Only the gateway can check it.

// readToken reads the answer of the backend. The clock of this machine may be wrong, so the lifetime is what the backend's own
// two times say, counted from now. They are whole seconds: up to one of them may have passed.
export function readToken({ token, expiresAt }) {
  const claims = JSON.parse(new TextDecoder().decode(decodeBase64URL(token.split('.')[1])));
  const start = claims.nbf ? claims.nbf * 1000 : Date.now();
  const lifetime = Date.parse(expiresAt) - start;
  return { ...(claims.grants ? accessToken(claims) : capabilityToken(claims)), start, lifetime, end: Date.now() + lifetime };
}

function decodeBase64URL(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

function capabilityToken({ iss, scope }) {
  return {
    kind: 'Capability token',
    account: iss,
    key: 'the auth token of the account',
    keySID: '',
    incoming: scope.includes('scope:client:incoming'),
    grants: scope.split(' ').map((code) => ({ code, meaning: scopeMeaning(code) })),
  };
}

function accessToken({ sub, iss, grants: { identity, voice } }) {
  return {
    kind: 'Access Token',
    account: sub,
    key: 'the API key',
    keySID: iss,
    incoming: voice.incoming?.allow === true,
    grants: Object.entries(voice).map(([name, grant]) => ({
      code: `"${name}":${JSON.stringify(grant)}`,
      meaning: grantMeaning(name, grant, identity),
    })),
  };
}

function grantMeaning(name, grant, identity) {
  switch (name) {
    case 'incoming':
      return receives(identity);
    case 'outgoing':
      return calls(Object.entries(grant.params ?? {}));
    default:
      return 'Other';
  }
}

function scopeMeaning(scope) {
  const [kind, query] = scope.split('?');
  const params = new URLSearchParams(query);
  switch (kind) {
    case 'scope:client:incoming':
      return receives(params.get('clientName'));
    case 'scope:client:outgoing':
      return calls([...new URLSearchParams(params.get('appParams') ?? '')]);
    default:
      return 'Other';
  }
}

const receives = (clientName) => `Receives calls to ${clientName}`;
const calls = (signed) => `Makes calls through the application${signed.length ? ', with ' : ''}${signed.map(([key, value]) => `${key} ${value}`).join(', ')}`;
