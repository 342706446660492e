"""An OpenID Connect provider of our own on the loopback: discovery, authorize, token, userinfo, keys, and refusals as real ones give."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.listening import LoopbackServer, Quiet, listening

CLIENT, SECRET = "linli", "a-secret-that-the-provider-shares"
KEY_ID = "key-of-the-tests"


class FakeProvider(LoopbackServer):
    """The server. `person` is who is signed in there; None: nobody agrees. The other attributes bend what it says."""

    def __init__(self) -> None:
        super().__init__(0, Answer)
        self.person: dict[str, Any] | None = {"sub": "person-1", "name": "某人", "email": "someone@example.com"}
        self.userinfo: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.broken: set[str] = set()
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def id_token(self, person: dict[str, Any], nonce: str | None) -> str:
        """Who signed in, signed by the provider."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "jti": secrets.token_hex(8), **person}
        claims |= ({"nonce": nonce} if nonce else {}) | self.claims
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": KEY_ID})


class Answer(Quiet, BaseHTTPRequestHandler):
    """One answer."""

    server: FakeProvider

    def do_GET(self) -> None:
        """Discovery, authorize, userinfo, keys."""
        address = urlsplit(self.path)
        asked = dict(parse_qsl(address.query))
        if address.path in self.server.broken:
            return self.say({"error": "server_error"}, 503)
        match address.path:
            case "/.well-known/openid-configuration":
                self.say(self.configuration())
            case "/authorize":
                self.authorize(asked)
            case "/userinfo":
                self.tell_person()
            case "/keys":
                jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.server.key.public_key()))
                self.say({"keys": [{**jwk, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]})
            case _:
                self.say({"error": "not_found"}, 404)
        return None

    def do_POST(self) -> None:
        """The token, for a code that is spent with it."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = dict(parse_qsl(body))
        if urlsplit(self.path).path != "/token":
            return self.say({"error": "not_found"}, 404)
        if "/token" in self.server.broken:
            return self.say({"error": "temporarily_unavailable"}, 503)
        if (given.get("client_id"), given.get("client_secret")) != (CLIENT, SECRET):
            return self.say({"error": "invalid_client"}, 401)
        if given.get("grant_type") != "authorization_code":
            return self.say({"error": "unsupported_grant_type"}, 400)
        asked = self.server.codes.pop(given.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != given.get("redirect_uri") or not fits(asked, given):
            return self.say({"error": "invalid_grant", "error_description": "Code not valid"}, 400)
        person = self.server.person
        assert person is not None
        token = secrets.token_urlsafe(16)
        self.server.tokens[token] = {**person, **self.server.userinfo}
        id_token = self.server.id_token(person, asked.get("nonce"))
        return self.say({"access_token": token, "token_type": "Bearer", "expires_in": 300, "id_token": id_token})

    def configuration(self) -> dict[str, Any]:
        """Where everything is."""
        url = self.server.url
        return {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "userinfo_endpoint": f"{url}/userinfo",
            "jwks_uri": f"{url}/keys",
            "response_types_supported": ["code"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, asked: dict[str, str]) -> None:
        """Send the browser back with a code, or with what went wrong."""
        if asked.get("client_id") != CLIENT or "redirect_uri" not in asked:
            return self.say({"error": "invalid_request"}, 400)
        back: dict[str, str] = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("response_type") != "code":
            back["error"] = "unsupported_response_type"
        elif "openid" not in asked.get("scope", "").split():
            back["error"] = "invalid_scope"
        elif asked.get("code_challenge_method") != "S256":
            back |= {"error": "invalid_request", "error_description": "PKCE is required"}
        elif self.server.person is None:
            back["error"] = "access_denied"
        else:
            back["code"] = secrets.token_urlsafe(16)
            self.server.codes[back["code"]] = asked
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def tell_person(self) -> None:
        """Who the token is for."""
        person = self.server.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if person is None:
            return self.say({"error": "invalid_token"}, 401)
        return self.say(person)

    def say(self, told: dict[str, Any], status: int = 200) -> None:
        """Send JSON."""
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def fits(asked: dict[str, str], given: dict[str, str]) -> bool:
    """Whether the verifier is the one that the challenge was made of (RFC 7636)."""
    digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]


@contextmanager
def serving() -> Iterator[FakeProvider]:
    """A fake that listens until the block ends."""
    with listening(FakeProvider()) as server:
        yield server
