// Verifies the tokens that mint.go wrote, from standard input, with the library under Twilio's Node library, which
// has no reader of its own for either kind of token.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import jwt from "jsonwebtoken";

function check({ accountSid, authToken, apiKeySid, apiKeySecret, header, claims, ttl, jwt: token }) {
	const [issuer, key] = apiKeySid ? [apiKeySid, apiKeySecret] : [accountSid, authToken];
	const verify = (token, key) => jwt.verify(token, key, { algorithms: ["HS256"], issuer, complete: true });

	const read = verify(token, key);
	const { exp } = read.payload;
	assert.equal(JSON.stringify(read.payload), JSON.stringify(moved(JSON.parse(claims), exp - ttl, exp)));
	assert.deepEqual(read.header, JSON.parse(header));
	const left = exp - Date.now() / 1000;
	assert(Number.isInteger(exp) && 0 < left && left <= ttl, `exp ${exp}: expected a whole second, at most ${ttl} s from now`);

	// Without these two, a library that verifies nothing would pass.
	const refusal = { name: "JsonWebTokenError", message: "invalid signature" };
	assert.throws(() => verify(token, key + "x"), refusal, "accepted with another key");
	assert.throws(() => verify(tampered(token), key), refusal, "accepted with another expiry");
}

// moved returns a vector's claims at another clock.
function moved(claims, now, exp) {
	const at = { jti: `${claims.iss}-${now}`, exp, nbf: now };
	return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, at[name] ?? value]));
}

function tampered(token) {
	const [header, claims, signature] = token.split(".");
	const longer = JSON.parse(Buffer.from(claims, "base64url"));
	longer.exp++;
	return [header, Buffer.from(JSON.stringify(longer)).toString("base64url"), signature].join(".");
}

const cases = readFileSync(0, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line))
	.filter(({ error }) => !error); // check.py has looked at those
if (cases.length === 0) {
	console.error("node: no tokens to check");
	process.exitCode = 1;
}
for (const each of cases) {
	try {
		check(each);
	} catch (error) {
		console.error(`node: ${each.id}: ${error.message}`);
		process.exitCode = 1;
	}
}
if (!process.exitCode) {
	console.log(`node: ${cases.length} tokens accepted, ${2 * cases.length} forgeries refused`);
}
