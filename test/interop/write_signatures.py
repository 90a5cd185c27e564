"""Writes python.jsonl: requests signed by Twilio's Python library, and what its validator says of them.

usage: /usr/bin/python3 write_signatures.py FOLDER
"""

import json
import pathlib
import string
import sys
from urllib.parse import parse_qsl, urlencode

import twilio
from twilio.request_validator import RequestValidator

VERSION = f"twilio {twilio.__version__}"
TOKEN, OTHER = "fedcba9876543210fedcba9876543210", "0123456789abcdef0123456789abcdef"
URL = "https://phone.example.com/voice"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
CALL = [("CallSid", "CA0123456789abcdef0123456789abcdef"), ("From", "client:alice"), ("To", "tommy")]


def case(id, url=URL, form=None, token=TOKEN, method=None, body=None, type="", signed={}, change=str):
    """A request as it arrives; signed is what differs in the one that was signed, and change alters the signature."""
    if form is not None:
        body, type = urlencode(form), FORM
    method = method or ("GET" if body is None else "POST")
    request = {"url": url, "type": type, "body": body or "", "authToken": token}
    return {"id": id, "method": method, **request, "signed": {**request, **signed}, "change": change}


def genuine():
    """What Twilio may send: every kind of URL and of form."""
    for number, url in enumerate([
        "https://phone.example.com/", "http://phone.example.com/voice", "https://phone.example.com/a/b/c.php",
        "https://phone.example.com/voice?a=1", "https://phone.example.com/voice?a=1&b=2&a=3", "https://phone.example.com/voice?b=2&a=1",
        "https://phone.example.com/voice?a=", "https://phone.example.com/voice?a", "https://phone.example.com/voice?a=b=c",
        "https://phone.example.com/voice?q=a%20b", "https://phone.example.com/voice?q=a+b", "https://phone.example.com/voice?q=%2B%2b",
        "https://phone.example.com/voice?q=%E2%82%AC", "https://phone.example.com/voice?q=%C3%A9&%C3%A9=q", "https://phone.example.com/caf%C3%A9",
        "https://phone.example.com/a%2Fb", "https://phone.example.com/a%2fb", "https://phone.example.com//voice", "https://phone.example.com/voice/",
        "https://phone.example.com/./voice/../voice", "https://phone.example.com/voice;v=1", "https://phone.example.com/voice?a;b",
        "https://phone.example.com/voice?q='", "https://phone.example.com/voice?q=(1)*!~", "https://phone.example.com/voice?q=a|b",
        "https://phone.example.com/voice?q=[1]", "https://phone.example.com/voice?u=https://example.com/?a=1",
        "https://phone.example.com/voice?q=%", "https://phone.example.com/voice?q=%zz", "https://phone.example.com/voice?q=%00",
        "https://phone.example.com/voice?", "https://phone.example.com/voice?&", "https://phone.example.com/voice??",
        "https://phone.example.com/$&+,:=@", "https://phone.example.com/voice?q=" + "x" * 2000,
        "https://Phone.Example.com/voice", "https://192.0.2.1/voice", "http://127.0.0.1/voice", "https://xn--bcher-kva.example/voice",
    ]):
        yield case(f"get-{number}", url)
        yield case(f"post-{number}", url, CALL)

    for number, form in enumerate([
        [], [("a", "")], [("", "a")], [("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")], [("B", "1"), ("a", "2"), ("A", "3"), ("_", "4"), ("10", "5"), ("2", "6")],
        [("a", "1"), ("aa", "2"), ("a a", "3")], [("Digits", "2"), ("Digits", "1")], [("Digits", "1"), ("Digits", "1")], [("Digits", "2"), ("Digits", ""), ("Digits", "2"), ("a", "b")],
        [("To", "+15550100000")], [("To", "sip:tommy@example.com;transport=udp")], [("Note", "a & b = c; d + e % f")], [("a=b", "c=d"), ("a&b", "c&d")],
        [("Grüße", "Gruß")], [("naïve", "1"), ("nay", "2"), ("naive", "3")], [("名前", "トミー")], [("emoji", "😀👩‍👩‍👧")], [("\ufffd", "1"), ("😀", "2")],
        [("v", "\ufffd"), ("v", "😀")], [("e\u0301", "é")], [("nul", "a\0b")], [("lines", "a\r\nb\tc")], [("space", " a  b ")], [("quote", "\"'<>&\\")],
        [("__proto__", "1"), ("constructor", "2")], [("CallSid", "CA1"), ("callsid", "CA2")], [("long", "0123456789 &=%+é" * 200)],
        [(f"name{number}", f"value {number}") for number in range(200)],
    ]):
        yield case(f"form-{number}", form=form)
    for char in string.punctuation + "é":
        yield case(f"character-{ord(char):02x}", form=[("v", f"a{char}b"), (f"a{char}b", "v")])
    yield case("form-escaped-otherwise", body="%54o=%74ommy&Note=a%20b+c", type=FORM)
    yield case("form-nothing-added", body=urlencode(CALL) + "&=", type=FORM, signed={"body": urlencode(CALL)})
    yield case("form-not-utf8", body="v=%FF", type=FORM)
    yield case("form-percent", body="v=%&w=%zz", type=FORM)
    yield case("form-semicolon", body="v=1;w=2", type=FORM)
    yield case("form-charset", body=urlencode(CALL), type=FORM + "; charset=UTF-8")
    yield case("form-with-hash", f"{URL}?bodySHA256=x", CALL)
    yield case("no-body", method="POST")
    yield case("documented", "https://example.com/myapp.php?foo=1&bar=2", [
        ("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675310"), ("Digits", "1234"), ("From", "+14158675310"), ("To", "+18005551212"),
    ], token="12345")

    for number, body in enumerate(['{"a":1}', "{}", '{"a": "é😀"}', "[1,\n2]", '"' + "x" * 5000 + '"']):
        for also in ("", "a=1&"):
            url = f"{URL}?{also}bodySHA256={RequestValidator(TOKEN).compute_hash(body)}"
            yield case(f"json-{number}{also and '-query'}", url, body=body, type=JSON)


def ports():
    """Signed with a port or without, and received with one or without."""
    for scheme, own in (("https", 443), ("http", 80)):
        for host in ("phone.example.com", "[2001:db8::1]"):
            kind = scheme + ("-ipv6" if host.startswith("[") else "")
            bare = f"{scheme}://{host}/voice"
            with_port = lambda port: f"{scheme}://{host}:{port}/voice"
            yield case(f"port-{kind}-own-added", bare, CALL, signed={"url": with_port(own)})
            yield case(f"port-{kind}-own-removed", with_port(own), CALL, signed={"url": bare})
            yield case(f"port-{kind}-own", with_port(own), CALL)
            yield case(f"port-{kind}-8443", with_port(8443), CALL)
            yield case(f"port-{kind}-8443-removed", with_port(8443), CALL, signed={"url": bare})
            yield case(f"port-{kind}-8443-added", bare, CALL, signed={"url": with_port(8443)})
            yield case(f"port-{kind}-another", with_port(8443), CALL, signed={"url": with_port(9443)})


def hostile():
    """What was not signed so."""
    call = urlencode(CALL)
    yield case("hostile-token", form=CALL, signed={"authToken": OTHER})
    yield case("hostile-token-case", form=CALL, signed={"authToken": TOKEN.upper()})
    yield case("hostile-token-longer", form=CALL, signed={"authToken": TOKEN + "0"})
    for number, url in enumerate([
        "http://phone.example.com/voice", "https://phone.example.com/voice/", "https://phone.example.com/Voice", "https://phone.example.com/",
        "https://phone.example.com/api/voice", "https://evil.example/voice", "https://phone.example.com.evil.example/voice",
        "https://phone.example.com/voice?a=1", "https://phone.example.com/%76oice", "https://phone.example.com//voice",
        "https://phone.example.com/voice?", "https://user:secret@phone.example.com/voice",
    ]):
        yield case(f"hostile-url-{number}", form=CALL, signed={"url": url})
        yield case(f"hostile-url-{number}-get", signed={"url": url})
    for number, (asked, signed) in enumerate([
        ("a=1&b=2", "b=2&a=1"), ("a=1", "a=2"), ("a=1&a=2", "a=1"), ("q=a+b", "q=a%20b"), ("q=%2b", "q=%2B"), ("q='", "q=%27"), ("", "a=1"), ("a=1&x", "a=1"),
    ]):
        yield case(f"hostile-query-{number}", f"{URL}?{asked}", CALL, signed={"url": f"{URL}?{signed}"})
    for number, body in enumerate([
        call + "&admin=1", call.replace("tommy", "jenny"), call.replace("To=", "to="), call.replace("&To=tommy", ""), "", call + "&To=jenny", "To=jenny&" + call,
        call + "&To=", call.replace("tommy", "tommy%20"), call.replace("tommy", "tommy%00"), call.replace("client", "Client"), call.replace("CallSid", "CallSi"),
    ]):
        yield case(f"hostile-form-{number}", body=body, type=FORM, signed={"body": call})
    yield case("hostile-form-split", form=[("a", "bc")], signed={"body": "ab=cc"})
    yield case("hostile-form-moved-to-query", f"{URL}?{call}", signed={"url": URL, "body": call, "type": FORM})
    yield case("hostile-form-as-json", body=call, type=JSON, signed={"type": FORM})
    hash = RequestValidator(TOKEN).compute_hash
    right = f"{URL}?bodySHA256={hash('{}')}"
    yield case("hostile-json-body", right, body='{"a":1}', type=JSON, signed={"body": "{}"})
    yield case("hostile-json-empty", right, method="POST", type=JSON, signed={"body": "{}"})
    yield case("hostile-json-hash", f"{URL}?bodySHA256={hash('[]')}", body="[]", type=JSON, signed={"url": right, "body": "{}"})
    yield case("hostile-json-two-hashes", f"{right}&bodySHA256={hash('[]')}", body="[]", type=JSON)
    yield case("hostile-json-hash-upper-case", f"{URL}?bodySHA256={hash('{}').upper()}", body="{}", type=JSON)
    yield case("hostile-json-hash-empty", f"{URL}?bodySHA256=", body="{}", type=JSON)
    yield case("hostile-json-no-hash", body="{}", type=JSON)
    for number, change in enumerate([lambda s: "", lambda s: s[:-1], lambda s: s + "=", lambda s: s.lower(), lambda s: " " + s, lambda s: s + "\n", lambda s: s.replace("=", ""),
                                     lambda s: s.swapcase(), lambda s: s[::-1], lambda s: "sha1=" + s, lambda s: s[:-2] + chr(ord(s[-2]) + 1) + "="]):
        yield case(f"hostile-signature-{number}", form=CALL, change=change)


def params(body, type):
    """What a web framework hands to the validator: a form's names and values, or the text of another body."""
    if type == JSON:
        return body
    found = {}
    for name, value in parse_qsl(body, keep_blank_values=True) if type.startswith(FORM) else []:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def vector(case):
    signed, change = case.pop("signed"), case.pop("change")
    result = {**case, "signed": signed, "lib": "python", "libVersion": VERSION}
    made = params(signed["body"], signed["type"])
    try:
        # Of a body that is not a form, the hash in the URL is signed.
        result["signature"] = RequestValidator(signed["authToken"]).compute_signature(signed["url"], made if isinstance(made, dict) else {})
        result["header"] = change(result["signature"])
        result["valid"] = RequestValidator(case["authToken"]).validate(case["url"], params(case["body"], case["type"]), result["header"])
    except (AttributeError, TypeError) as error:
        result["error"] = str(error)
    return result


if __name__ == "__main__":
    vectors = [vector(case) for case in [*genuine(), *ports(), *hostile()]]
    assert len({each["id"] for each in vectors}) == len(vectors), "two requests of one id"
    lines = (json.dumps(each, separators=(",", ":")) + "\n" for each in vectors)
    pathlib.Path(sys.argv[1], "python.jsonl").write_text("".join(lines))
