"""Writes python.jsonl and access.jsonl: capability tokens and Access Tokens minted by Twilio's Python library, for
this module's to be compared with.

usage: /usr/bin/python3 write_vectors.py FOLDER
"""

import base64
import itertools
import json
import pathlib
import string
import sys
import time

import jwt
import twilio
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant
from twilio.jwt.client import ClientCapabilityToken

NOW = 946684800  # 2000-01-01T00:00:00Z, where Go's testing/synctest starts its clock
time.time = lambda: NOW

# The versions of the libraries alone: a Debian 12 of another day writes the same file.
VERSION = f"twilio {twilio.__version__} / PyJWT {jwt.__version__}"

ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
APP = "APfedcba9876543210fedcba9876543210"
EXAMPLE = {"account": "ACXXXXXXXXXXXXXXX", "token": "secret"}
EXAMPLE_APP = "AP123123"


def pairs(params):
    """Params as the library gets them: sorted by name.

    It writes them in the order of its keyword arguments, and url.Values has none but the order of names in bytes,
    which is also how Python sorts strings.
    """
    return [list(pair) for pair in sorted(params.items())]


def incoming(name="tommy"):
    return ["allowClientIncoming", name]


def outgoing(app=APP, params=None, name=None):
    options = {}
    if name:
        options["clientName"] = name
    if params:
        options["params"] = pairs(params)
    return ["allowClientOutgoing", app, options] if options else ["allowClientOutgoing", app]


def events(filters=None):
    return ["allowEventStream", {"filters": pairs(filters)}] if filters else ["allowEventStream"]


def case(id, *calls, account=ACCOUNT, token=TOKEN, ttl=3600, **more):
    """One case. More may be nbf: absent (the library's default), None (no such claim) or a time; and unsafeNames."""
    return {"id": id, "accountSid": account, "authToken": token, "calls": calls, "ttl": ttl, **more}


def grants():
    """Every kind of grant, alone and in every order and combination."""
    some = {"foobar": "1", "a b": "c&d"}
    kinds = [
        {"in": incoming()},
        {
            "out": outgoing(EXAMPLE_APP),
            "params": outgoing(EXAMPLE_APP, some),
            "named": outgoing(EXAMPLE_APP, some, "tommy"),
        },
        {"events": events(), "filters": events(some)},
    ]
    for size in (1, 2, 3):
        for chosen in itertools.permutations(kinds, size):
            for names in itertools.product(*chosen):
                calls = [kind[name] for kind, name in zip(chosen, names)]
                yield case("grant-" + "-".join(names), *calls, **EXAMPLE)


def repeats():
    """The same grant again, which changes nothing."""
    all_three = [incoming(), outgoing(params={"b": "2", "a": ["1", "0"]}), events({"a": "1"})]
    for number, call in enumerate([*all_three, outgoing(), events()]):
        yield case(f"repeat-{number}", call, call)
    yield case("repeat-all", *all_three, *all_three)
    yield case("repeat-all-reversed", *all_three, *reversed(all_three))


def credentials():
    def everything(id, account, token, app):
        return case(id, incoming(), outgoing(app, {"a": "1"}), events(), account=account, token=token)

    for number, sid in enumerate(["0", "123", "Z", "xyz", "0123456789ABCDEF" * 2, "z" * 32]):
        yield everything(f"sid-{number}", "AC" + sid, "secret", "AP" + sid)
    # HMAC-SHA-256 hashes a key that is longer than its block of 64 bytes.
    tokens = ["x", "k" * 63, "k" * 64, "k" * 65, "k" * 300, string.punctuation]
    for number, token in enumerate(tokens):
        yield everything(f"token-{number}", ACCOUNT, token, APP)


def names():
    alphabet = string.ascii_letters + string.digits + "_"
    for number, name in enumerate([
        "a", "Z", "0", "_", "42", "__", "None", "a_B_9", "15551234567", alphabet, "x" * 121, "0_" * 127 + "z", "y" * 256,
    ]):
        yield case(f"client-{number}", incoming(name), outgoing())
        yield case(f"client-{number}-outgoing", outgoing(name=name))


def unsafe_names():
    """Client names of what Twilio merely advises against."""
    allowed = "".join(char for char in map(chr, range(0x21, 0x7F)) if char not in '<>#%"{}|\\^[]`?')
    for number, name in enumerate([
        "office-7", "+815012345678", "a@b.example", "1f0c2a4e-9d1b-4c3a-8e57-0123456789ab", "o'brien", "~", "a.b", "&", "=",
        "tommy&appSid=APevil", "a/b;c,d:e", allowed, "-" * 121, "@" * 256,
    ]):
        yield case(f"unsafe-{number}", incoming(name), outgoing(), unsafeNames=True)
        yield case(f"unsafe-{number}-outgoing", outgoing(name=name, params={"a": name}), unsafeNames=True)


def characters():
    """Each ASCII character around a value and around a name, and some of Unicode's others."""
    for code in range(0x80):
        text = f"{chr(code)}a{chr(code)}"
        yield case(f"value-{code:02x}", outgoing(params={"k": text}))
        yield case(f"name-{code:02x}", outgoing(params={text: "v"}))

    ascii_ = "".join(map(chr, range(0x80)))
    yield case("ascii", outgoing(params={ascii_: ascii_}), events({ascii_: ascii_}))
    for name, text in {
        "c1": "\u0080", "nbsp": "\u00a0", "2-bytes": "café ÿ", "3-bytes": "日本 €", "4-bytes": "hi 😀 \U0010ffff",
        "combining": "e\u0301", "joined": "👩\u200d💻", "right-to-left": "\u202eשלום", "line-separator": "a\u2028b",
        "byte-order-mark": "\ufeffa", "replacement": "\ufffd", "last-of-bmp": "\uffff",
    }.items():
        yield case(f"unicode-{name}", outgoing(params={"k": text, text: "v"}), events({text: text}))


def params():
    for name, these in {
        "empty-value": {"a": "", "b": "2"},
        "empty-name": {"": "v", "a": "1"},
        "empty-both": {"": ""},
        "list": {"k": ["b", "a", "b"]},
        "list-of-one": {"k": ["a"]},
        "list-mixed": {"k": ["a b", "c&d", "", "é"], "x": "1", "a": ["1", "2"]},
        "list-with-separators": {"k": ["a,b", "c;d", "k=e"]},
        "list-empty": {"k": [], "x": "1"},
        "list-of-100": {"k": [str(number) for number in range(100)]},
        "100": {f"name{number}": f"value {number}" for number in range(100)},
        "long": {"k": "0123456789 &=%+é" * 200},
        "order": dict.fromkeys(["b", "a", "B", "A", "_", "~", "10", "2", "aa", "a b", "é", "\ufffd", "😀"], "v"),
        "own-names": dict.fromkeys(["appSid", "appParams", "clientName", "params", "path", "scope", "iss"], "v"),
        "phone": {"To": "+15551234567", "From": "client:tommy"},
        "url": {"u": "https://example.com/?a=1&b=2#c"},
        "json": {"j": '{"a": ["\\", null, 1]}'},
    }.items():
        yield case(f"params-{name}", outgoing(params=these), events(these))

    for number, text in enumerate(["a%20b", "%2B+%2b", "%", "%zz", "%2526", "a=1&b=2", "&amp;", "\\u0026", "&#38;"]):
        yield case(f"encoded-{number}", outgoing(params={"k": text, text: "v"}))
    for number, text in enumerate([
        "v&admin=1", "v&appSid=APevil", "v&clientName=evil", "v scope:client:incoming?clientName=evil",
        "scope:client:outgoing?appSid=APevil", 'v","iss":"ACevil', '"}.e30.', "v\r\nX-Evil: 1", "v\0w", "</script><script>",
    ]):
        yield case(f"injection-{number}", incoming(), outgoing(params={"k": text, text: "v"}))


def times():
    for ttl in (1, 2, 59, 60, 299, 300, 600, 3599, 3601, 7200, 43200, 86399, 86400):
        yield case(f"ttl-{ttl}", incoming(), ttl=ttl)
    yield case("nbf-none", incoming(), nbf=None)
    yield case("nbf-none-1s", incoming(), ttl=1, nbf=None)
    yield case("nbf-none-all", incoming(), outgoing(params={"a": "1"}), events(), ttl=600, nbf=None)
    for nbf in (0, 1, NOW - 86400, NOW - 1, NOW, NOW + 1, NOW + 3599):
        yield case(f"nbf-{nbf}", incoming(), outgoing(), nbf=nbf)
    yield case("nbf-1s", incoming(), ttl=1, nbf=NOW)


def for_access_tokens(cases):
    """The cases that an Access Token can express: with a client name, and without an event stream."""
    seen = []
    for case in cases:
        calls = named([each for each in case["calls"] if each[0] != "allowEventStream"])
        # JSON treats a name as it does a value: the cases name-XX and the one with all of ASCII will do.
        if not calls or case["id"].startswith("value-") or len(client_name(calls) or "") > 121:
            continue
        # The credentials backwards: as long and as odd as those, and, but for "xxx" and the like, not the same.
        sid, secret = "SK" + case["accountSid"][:1:-1], case["authToken"][::-1]
        access = {**case, "calls": calls, "apiKeySid": sid, "apiKeySecret": secret}
        # Without their event streams, some are the same.
        if (same := {**access, "id": None}) not in seen:
            seen.append(same)
            yield access


def only_access():
    """Cases that a capability token cannot express."""
    for number, region in enumerate(["us1", "ie1", "au1", "us12"]):
        yield case(f"region-{number}", incoming(), ["setRegion", region])
    for number, sid in enumerate(["CR1", "CR" + "0123456789abcdef" * 2]):
        yield case(f"push-{number}", incoming(), ["setPushCredential", sid])
        yield case(f"push-{number}-outgoing", ["setPushCredential", sid], outgoing(name="tommy", params={"a": "1"}))
    yield case("push-all", ["setRegion", "ie1"], outgoing(params={"k": [], "a": "1"}), ["setPushCredential", "CR1"], incoming())
    yield case("params-only-empty-list", incoming(), outgoing(params={"k": []}))


def named(calls):
    """The calls, one of which names the client."""
    if client_name(calls):
        return calls
    return [[method, app, {"clientName": "tommy", **dict(*options)}] for method, app, *options in calls]


def client_name(calls):
    for method, argument, *options in calls:
        name = argument if method == "allowClientIncoming" else dict(*options).get("clientName")
        if name:
            return name


def call(token, method, *arguments):
    if method == "allowClientIncoming":
        token.allow_client_incoming(*arguments)
    elif method == "allowEventStream":
        options = arguments[0] if arguments else {}
        token.allow_event_stream(**dict(options.get("filters", [])))
    else:
        app, options = arguments if len(arguments) == 2 else (*arguments, {})
        token.allow_client_outgoing(app, **dict(options.get("params", [])))
        if "clientName" in options:
            token.client_name = options["clientName"]  # the library's only way to name an outgoing-only device


def capability_token(case, given):
    token = ClientCapabilityToken(case["accountSid"], case["authToken"], **given)
    for each in case["calls"]:
        call(token, *each)
    return token


def access_token(case, given):
    grant = VoiceGrant()
    for method, argument, *options in case["calls"]:
        if method == "allowClientIncoming":
            grant.incoming_allow = True
        elif method == "setRegion":
            given = {**given, "region": argument}
        elif method == "setPushCredential":
            grant.push_credential_sid = argument
        else:
            grant.outgoing_application_sid = argument
            grant.outgoing_application_params = application_params(dict(*options).get("params", []))
    credentials = case["accountSid"], case["apiKeySid"], case["apiKeySecret"]
    return AccessToken(*credentials, grants=[grant], identity=client_name(case["calls"]), **given)


def application_params(params):
    """Params as the library gets them for an Access Token, where it writes their JSON as it is given.

    url.Values has only lists: this module writes one of a single value as a string.
    """
    return {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in params
    }


def vector(mint, case):
    given = {name: case[name] for name in ("ttl", "nbf") if name in case}
    text = mint(case, given).to_jwt()
    header, claims = (base64.urlsafe_b64decode(part + "==").decode() for part in text.split(".")[:2])
    read = json.loads(claims)
    scope = {"scope": read["scope"]} if "scope" in read else {}
    return {
        "id": case["id"], "lib": "python", "libVersion": VERSION, **case,
        "now": NOW, "header": header, "claims": claims, **scope, "jwt": text,
    }


def write(name, mint, cases):
    assert len({case["id"] for case in cases}) == len(cases), "two cases of one id"
    lines = (json.dumps(vector(mint, case), separators=(",", ":")) + "\n" for case in cases)
    pathlib.Path(sys.argv[1], name).write_text("".join(lines))


if __name__ == "__main__":
    cases = [*grants(), *repeats(), *credentials(), *names(), *unsafe_names(), *characters(), *params(), *times()]
    write("python.jsonl", capability_token, cases)
    write("access.jsonl", access_token, list(for_access_tokens([*cases, *only_access()])))
