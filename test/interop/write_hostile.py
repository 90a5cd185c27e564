"""Writes random cases that mean ill, in the form of the vectors: whatever they hold, this module has to refuse them or
to mint what Twilio's Python library does. They are others each time; the id of a case tells its seed.

usage: /usr/bin/python3 write_hostile.py COUNT [SEED]
"""

import json
import random
import sys

from write_vectors import access_token, capability_token, case, events, for_access_tokens, incoming, outgoing, vector

PIECES = [
    *"&=%+ ;?:/\\\"'<>#,.|~-_", "\0", "\n", "\r", "\t", "\x7f", "\u00a0", "\u2028", "\ufeff", "\ufffd", "\uffff", "é", "日本", "😀",
    "%26", "%zz", "%", "+", "\\u0026", "appSid", "appParams", "clientName", "params", "path", "scope", "iss", "exp", "APevil",
    " scope:client:outgoing?appSid=APevil", "&appSid=APevil", "&clientName=evil", '","iss":"ACevil', '","exp":1,"x":"', '"}.e30.',
]


def text(most=4):
    return "".join(
        chance.choice(PIECES) if chance.random() < 0.6 else chance.choice("aZ09_") * chance.randrange(9)
        for _ in range(chance.randrange(most + 1))
    )


def good_or(good):
    """Something that is right more often than not, so that the rest of the case is met too."""
    return good if chance.random() < 0.9 else chance.choice([text(), good + text(1)])


def params():
    several = [text(), [text() for _ in range(chance.randrange(4))], "v" * chance.randrange(200)]
    return {text(): chance.choice(several) for _ in range(chance.randrange(5))}


def hostile_case(id):
    grants = [
        incoming(good_or(chance.choice(["tommy", "office-7", "a@b.example"]))),
        outgoing(good_or("AP123123"), params(), chance.choice([None, None, "tommy"])),
        events(params()),
    ]
    calls = [chance.choice(grants) for _ in range(chance.randrange(1, 5))]
    ttl = chance.choice([chance.randrange(300, 86401)] * 40 + [86401, 10**9])
    nbf = {} if chance.random() < 0.5 else {"nbf": None}
    unsafe = {"unsafeNames": True} if chance.random() < 0.5 else {}
    return case(id, *calls, account=good_or("AC123"), token=good_or("secret") or "x", ttl=ttl, **nbf, **unsafe)


count = int(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**9)
chance = random.Random(seed)
cases = [hostile_case(f"hostile-{seed}-{number}") for number in range(count)]
for mint, these in (capability_token, cases), (access_token, for_access_tokens(cases)):
    for each in these:
        print(json.dumps(vector(mint, each)))
