// A backend that mints capability tokens with Twilio's Node library, with one worker for each core. It answers GET /NAME
// with a token for the client NAME, as the Go one does, and with fewer headers. When it is ready it prints its address
// and the ids of its processes; it ends when its standard input does.
//
// usage: node server.mjs [keyobject]
//
// The JSON Web Token library under Twilio's takes a string for a private key first, in vain and for each token, and that
// takes most of the time (https://github.com/auth0/node-jsonwebtoken/issues/966). With keyobject it is spared that:
// Twilio's library hands the key on as it is, though it is documented to take a string.

import cluster from "node:cluster";
import { createSecretKey } from "node:crypto";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";
import twilio from "twilio";

const { ClientCapability } = twilio.jwt;
const { ACCOUNT_SID: accountSid, AUTH_TOKEN: secret, APPLICATION_SID: applicationSid, TTL } = process.env;
const authToken = process.argv[2] === "keyobject" ? createSecretKey(secret, "utf8") : secret;
const ttl = Number(TTL);

function answer(request, response) {
	const identity = request.url.slice(1);
	const capability = new ClientCapability({ accountSid, authToken, ttl });
	capability.addScope(new ClientCapability.IncomingClientScope(identity));
	capability.addScope(new ClientCapability.OutgoingClientScope({ applicationSid, clientName: identity }));
	response.setHeader("Content-Type", "application/json");
	response.end(JSON.stringify({ identity, token: capability.toJwt() }));
}

if (cluster.isPrimary) {
	const workers = Array.from({ length: availableParallelism() }, () => cluster.fork().process);
	let listening = 0;
	cluster.on("listening", (_, { port }) => {
		if (++listening === workers.length) {
			console.log(`http://127.0.0.1:${port}`, process.pid, ...workers.map((worker) => worker.pid));
		}
	});
	cluster.on("exit", () => process.exit(1)); // none is to be missing unnoticed
	process.stdin.resume().on("end", () => {
		workers.forEach((worker) => worker.kill());
		process.exit();
	});
} else {
	createServer(answer).listen(0, "127.0.0.1"); // the same port for all
}
