"""A fake authorization server, a client of it, and the steps of a sign-in."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer, Lifetimes

REDIRECT_URI = "http://127.0.0.1:1/callback"
DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class OAuthTestClient:
    """What a client of the server sends."""

    def __init__(self, server: FakeOAuthServer, http: httpx.Client) -> None:
        self.server = server
        self.http = http
        self.verifier = secrets.token_urlsafe(40)

    def authorize(self, **parameters: str) -> dict[str, str]:
        """Return the parameters that come back in the redirect."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=")
        sent = {
            "client_id": "test-client",
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "state": "abc",
            "scope": "read",
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            **parameters,
        }
        location = self.server.visit(f"{self.server.url}/authorize?{urlencode(sent)}")
        return {key: value[0] for key, value in parse_qs(urlsplit(location).query).items()}

    def post(self, path: str, **form: str) -> httpx.Response:
        """Send a form as the test client."""
        return self.http.post(path, data={"client_id": "test-client", **form})

    def exchange(self, code: str, **form: str) -> httpx.Response:
        """Send a code to the token endpoint."""
        fields = {"redirect_uri": REDIRECT_URI, "code_verifier": self.verifier, "code": code}
        return self.post("/token", grant_type="authorization_code", **{**fields, **form})

    def refresh(self, token: str) -> httpx.Response:
        """Send a refresh token to the token endpoint."""
        return self.post("/token", grant_type="refresh_token", refresh_token=token)

    def sign_in(self) -> dict[str, Any]:
        """Return the tokens of a whole authorization code flow."""
        answer = self.exchange(self.authorize()["code"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def poll(self, device_code: str) -> httpx.Response:
        """Send a device code to the token endpoint."""
        return self.post("/token", grant_type=DEVICE_CODE_GRANT, device_code=device_code)

    def userinfo(self, access_token: str) -> httpx.Response:
        """Ask for the account."""
        return self.http.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[FakeOAuthServer]:
    with FakeOAuthServer(clock=clock, lifetimes=Lifetimes(device_interval=5)) as server:
        yield server


@pytest.fixture
def client(server: FakeOAuthServer) -> Iterator[OAuthTestClient]:
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as http:
        yield OAuthTestClient(server, http)
