// Writes node.jsonl: the requests of python.jsonl, from the same folder, as Twilio's Node library signs and validates them.
//
// usage: node write_signatures.mjs FOLDER

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import twilio from "twilio";

const version = createRequire(import.meta.url)("twilio/package.json").version;

// What a web framework hands to the validator: a form's names and values.
function params({ body, type }) {
	const found = Object.create(null);
	for (const [name, value] of type.startsWith("application/x-www-form-urlencoded") ? new URLSearchParams(body) : []) {
		found[name] = name in found ? [found[name], value].flat() : value;
	}
	return found;
}

const { getExpectedTwilioSignature, validateRequest, validateRequestWithBody } = twilio;

function vector({ id, signed, header, ...arrived }) {
	const result = { id, lib: "node", libVersion: `twilio ${version}` };
	result.signature = getExpectedTwilioSignature(signed.authToken, signed.url, params(signed));
	const { authToken, url, body, type } = arrived;
	header ??= result.signature; // of a request that the Python library cannot sign
	try {
		result.valid = type === "application/json"
			? validateRequestWithBody(authToken, header, url, body)
			: validateRequest(authToken, header, url, params(arrived));
	} catch (error) {
		result.error = error.message;
	}
	return result;
}

const folder = process.argv[2];
const requests = readFileSync(join(folder, "python.jsonl"), "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
writeFileSync(join(folder, "node.jsonl"), requests.map((each) => JSON.stringify(vector(each)) + "\n").join(""));
