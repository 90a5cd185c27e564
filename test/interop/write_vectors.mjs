// Writes node.jsonl: the cases of python.jsonl, from the same folder, through Twilio's Node library.
//
// usage: node write_vectors.mjs FOLDER

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import twilio from "twilio";

const { ClientCapability } = twilio.jwt;
const require = createRequire(import.meta.url);
const versionOf = (name) => `${name} ${require(`${name}/package.json`).version}`;
const libVersion = [versionOf("twilio"), versionOf("jsonwebtoken")].join(" / ");

const now = 946684800; // 2000-01-01T00:00:00Z, as in python.jsonl
Date.now = Date.prototype.valueOf = () => now * 1000;

// The library has no setting for nbf, and joins a list into one value with commas.
function expressible({ calls, ...options }) {
	const params = calls.flat().flatMap((argument) => argument.params ?? argument.filters ?? []);
	return !("nbf" in options) && !params.some(([, value]) => Array.isArray(value));
}

// Without params the library has to be given none: an empty object is written as an empty appParams.
const object = (pairs) => pairs && Object.fromEntries(pairs);

function scope([method, ...args], incomingName) {
	switch (method) {
		case "allowClientIncoming":
			return new ClientCapability.IncomingClientScope(args[0]);
		case "allowClientOutgoing":
			// The library does not carry the incoming client's name over, so its user has to.
			return new ClientCapability.OutgoingClientScope({
				applicationSid: args[0],
				clientName: args[1]?.clientName ?? incomingName,
				params: object(args[1]?.params),
			});
		case "allowEventStream":
			return new ClientCapability.EventStreamScope(object(args[0]?.filters));
	}
	throw new Error(`unknown call ${method}`);
}

function vector({ id, accountSid, authToken, calls, ttl }) {
	const incomingName = calls.find(([method]) => method === "allowClientIncoming")?.[1];
	const capability = new ClientCapability({ accountSid, authToken, ttl });
	calls.forEach((call) => capability.addScope(scope(call, incomingName)));
	const jwt = capability.toJwt();
	const [header, claims] = jwt.split(".").map((part) => Buffer.from(part, "base64url").toString());
	const given = { accountSid, authToken, calls, ttl };
	return { id, lib: "node", libVersion, ...given, now, header, claims, scope: JSON.parse(claims).scope, jwt };
}

const folder = process.argv[2];
const cases = readFileSync(join(folder, "python.jsonl"), "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
const lines = cases.filter(expressible).map((each) => JSON.stringify(vector(each)) + "\n");
writeFileSync(join(folder, "node.jsonl"), lines.join(""));
