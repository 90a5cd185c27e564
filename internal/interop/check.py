"""Verifies the tokens that mint.go wrote, from standard input, with Twilio's Python library."""

import base64
import json
import sys
import time

from twilio.jwt import JwtDecodeError
from twilio.jwt.client import ClientCapabilityToken


def mistake(case):
    """What is wrong with a token, or None."""
    try:
        token = ClientCapabilityToken.from_jwt(case["jwt"], case["authToken"])
    except JwtDecodeError as error:
        return f"refused: {error}"
    claims = token.payload
    expected = {"scope": case["scope"], "iss": case["accountSid"], "exp": claims["exp"]}
    if "nbf" not in case:
        expected["nbf"] = claims["exp"] - case["ttl"]
    if list(claims.items()) != list(expected.items()):
        return f"claims {claims}, expected {expected}"
    if type(claims["exp"]) is not int or not 0 < claims["exp"] - time.time() <= case["ttl"]:
        return f"exp {claims['exp']}: expected a whole second, at most {case['ttl']} s from now"
    if token.headers != {"alg": "HS256", "typ": "JWT"}:
        return f"header {token.headers}"
    # Without these two, a library that verifies nothing would pass.
    if not refused(case["jwt"], case["authToken"] + "x"):
        return "accepted with another key"
    if not refused(tampered(case["jwt"]), case["authToken"]):
        return "accepted with another expiry under the same signature"


def refused(token, key):
    try:
        ClientCapabilityToken.from_jwt(token, key)
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
if mistakes or not cases:
    sys.exit("\n".join(mistakes) or "python: no tokens to check")
print(f"python: {len(cases)} tokens accepted, {2 * len(cases)} forgeries refused")
