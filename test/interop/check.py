"""Verifies the tokens that mint.go wrote, from standard input, with Twilio's Python library."""

import base64
import json
import sys
import time

from twilio.jwt import JwtDecodeError
from twilio.jwt.access_token import AccessToken
from twilio.jwt.client import ClientCapabilityToken


def mistake(case):
    """What is wrong with a token, or None."""
    if "error" in case:
        return None if case["id"].startswith("hostile-") else case["error"]
    kind, key = ClientCapabilityToken, case["authToken"]
    if "apiKeySid" in case:
        kind, key = AccessToken, case["apiKeySecret"]
    try:
        token = kind.from_jwt(case["jwt"], key)
    except JwtDecodeError as error:
        return f"refused: {error}"
    ttl, exp = case["ttl"], token.payload["exp"]
    claims = json.dumps(token.payload)
    expected = json.dumps(moved(json.loads(case["claims"]), exp - ttl, exp))
    if claims != expected:
        return f"claims {claims}, expected {expected}"
    if type(exp) is not int or not 0 < exp - time.time() <= ttl:
        return f"exp {exp}: expected a whole second, at most {ttl} s from now"
    if token.headers != json.loads(case["header"]):
        return f"header {token.headers}"
    # Without these two, a library that verifies nothing would pass.
    if not refused(kind, case["jwt"], key + "x"):
        return "accepted with another key"
    if not refused(kind, tampered(case["jwt"]), key):
        return "accepted with another expiry under the same signature"


def moved(claims, now, exp):
    """A vector's claims at another clock."""
    at = {"jti": f"{claims['iss']}-{now}", "exp": exp, "nbf": now}
    return {name: at.get(name, value) for name, value in claims.items()}


def refused(kind, token, key):
    try:
        kind.from_jwt(token, key)
    except JwtDecodeError as error:
        return str(error) == "Signature verification failed"
    return False


def tampered(token):
    header, claims, signature = token.split(".")
    longer = json.loads(base64.urlsafe_b64decode(claims + "=="))
    longer["exp"] += 1
    claims = base64.urlsafe_b64encode(json.dumps(longer).encode()).decode().rstrip("=")
    return f"{header}.{claims}.{signature}"


cases = [json.loads(line) for line in sys.stdin]
mistakes = [f"python: {case['id']}: {text}" for case in cases if (text := mistake(case))]
minted = [case for case in cases if "error" not in case]
if mistakes or 2 * len(minted) < len(cases) or not cases:
    sys.exit("\n".join(mistakes) or f"python: {len(minted)} of {len(cases)} cases minted: too few to mean much")
print(f"python: {len(minted)} tokens accepted, {2 * len(minted)} forgeries refused")
