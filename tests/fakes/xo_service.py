"""A fake XO service on the loopback: browser sign-in, refresh, messages and usage reports.

It keeps every request, and answers by the faults that a test sets. The swarm's records are kept by
their keys, as an upserting service does.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from xo_cowork_core.sdk.testing.ports import free_port

USER_ID = "user-1"
EMAIL = "person@example.test"
CHUNK = b"x" * 65536


@dataclass(frozen=True)
class ReceivedRequest:
    """One request. `path` is without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class Fault:
    """What a path answers instead: a status, a raw body, a redirect, a silence or a cut.

    With `serves` the request is carried out first, so that only its answer is lost.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    silence_seconds: float = 0.0
    cut: bool = False
    endless: bool = False
    serves: bool = False


class FakeXoService:
    """Runs in threads of its own; use it as a context manager. `lifetime` of tokens in seconds."""

    def __init__(self, *, lifetime: int = 3600, rotates: bool = True) -> None:
        self.lifetime = lifetime
        self.rotates = rotates
        self.requests: list[ReceivedRequest] = []
        # by path
        self.faults: dict[str, Fault] = {}
        self.messages: list[dict[str, Any]] = []
        # by the key of a record: its date, workspace and project
        self.usage: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.port = 0
        self._sign_ins: dict[str, dict[str, str]] = {}
        self._access_tokens = {"key-of-the-settings"}
        self._refresh_tokens = set[str]()
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address of the service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tokens(self) -> set[str]:
        """Every token that is accepted."""
        return self._access_tokens | self._refresh_tokens

    def start(self) -> None:
        """Listen, on the same port again after `close`."""

        class Handler(_Handler):
            service = self

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port or free_port()), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def approve(self, auth_session_id: str) -> None:
        """Let a person approve a sign-in."""
        self._sign_ins[auth_session_id]["status"] = "approved"

    def open_sign_in(self) -> tuple[str, str]:
        """Open an approved sign-in outside of the server under test; return its id and token."""
        started = self._start({})
        self.approve(started["auth_session_id"])
        return started["auth_session_id"], started["poll_token"]

    def revoke_access_tokens(self) -> None:
        """Refuse every access token from now on."""
        self._access_tokens.clear()

    def revoke(self) -> None:
        """Refuse every token from now on."""
        self._access_tokens.clear()
        self._refresh_tokens.clear()

    def sent(self, path: str) -> list[ReceivedRequest]:
        """Return the requests to a path."""
        return [request for request in self.requests if request.path == path]

    def answer(self, request: ReceivedRequest) -> tuple[int, Mapping[str, Any]]:
        """Carry out one request."""
        with self._lock:
            route = _ROUTES.get((request.method, request.path))
            if route is not None:
                return route(self, request)
            if request.path.startswith("/auth/browser/status/"):
                return self._status(request)
            return 404, {"detail": "Not Found"}

    def _start(self, body: Mapping[str, Any]) -> dict[str, str]:
        auth_session_id = f"as_{secrets.token_hex(8)}"
        sign_in = {"poll_token": f"pt_{secrets.token_hex(16)}", "status": "pending"}
        self._sign_ins[auth_session_id] = sign_in
        return {
            "authorize_url": f"{self.url}/authorize?session={auth_session_id}",
            "auth_session_id": auth_session_id,
            "poll_token": sign_in["poll_token"],
        }

    def _status(self, request: ReceivedRequest) -> tuple[int, Mapping[str, Any]]:
        sign_in = self._sign_ins.get(request.path.rpartition("/")[2])
        if sign_in is None:
            return 404, {"detail": "unknown"}
        if request.query.get("poll_token") != sign_in["poll_token"]:
            return 403, {"detail": "wrong poll token"}
        return 200, {"status": sign_in["status"]}

    def _consume(self, request: ReceivedRequest) -> tuple[int, Mapping[str, Any]]:
        sign_in = self._sign_ins.get(request.body["auth_session_id"])
        if sign_in is None or request.body["poll_token"] != sign_in["poll_token"]:
            return 403, {"detail": "wrong poll token"}
        if sign_in["status"] != "approved":
            return 409, {"detail": sign_in["status"]}
        sign_in["status"] = "consumed"
        return 200, self._issue(request.body["auth_session_id"])

    def _issue(self, auth_session_id: str) -> Mapping[str, Any]:
        access, refresh = f"at_{secrets.token_hex(16)}", f"rt_{secrets.token_hex(16)}"
        self._access_tokens.add(access)
        self._refresh_tokens.add(refresh)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": self.lifetime,
            "user_id": USER_ID,
            "auth_session_id": auth_session_id,
            "scope": "chat usage",
        }

    def _refresh(self, request: ReceivedRequest) -> tuple[int, Mapping[str, Any]]:
        token = request.body["refresh_token"]
        if token not in self._refresh_tokens:
            return 401, {"detail": "unknown refresh token"}
        if self.rotates:
            self._refresh_tokens.discard(token)
        return 200, self._issue(request.body.get("auth_session_id", ""))

    def _is_authorized(self, request: ReceivedRequest) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme == "Bearer" and token in self._access_tokens

    def _user_id(self, request: ReceivedRequest) -> tuple[int, Mapping[str, Any]]:
        if not self._is_authorized(request):
            return 401, {"detail": "unknown token"}
        return 200, {"user_id": USER_ID, "email": EMAIL}

    def _add_message(self, request: ReceivedRequest) -> tuple[int, Mapping[str, Any]]:
        if not self._is_authorized(request):
            return 401, {"detail": "unknown token"}
        key = request.headers.get("idempotency-key", "")
        if key not in {message["key"] for message in self.messages}:
            self.messages.append({**request.body, "key": key})
        return 200, {"ok": True}

    def _report_usage(self, request: ReceivedRequest) -> tuple[int, Mapping[str, Any]]:
        if not self._is_authorized(request):
            return 401, {"detail": "unknown token"}
        for record in request.body["records"]:
            key = (record["report_date"], record["workspace_id"], record["project_id"])
            self.usage[key] = record
        return 200, {"upserted": len(request.body["records"])}


Route = Callable[[FakeXoService, ReceivedRequest], tuple[int, Mapping[str, Any]]]
_ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", "/auth/browser/start"): lambda service, request: (200, service._start(request.body)),
    ("POST", "/auth/browser/consume"): FakeXoService._consume,
    ("POST", "/auth/browser/refresh"): FakeXoService._refresh,
    ("GET", "/get-user-id"): FakeXoService._user_id,
    ("POST", "/chat/add_message"): FakeXoService._add_message,
    ("POST", "/usage/report"): FakeXoService._report_usage,
}


class _Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    service: FakeXoService

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        request = ReceivedRequest(
            self.command,
            parts.path,
            {name: values[0] for name, values in parse_qs(parts.query).items()},
            {name.lower(): value for name, value in self.headers.items()},
            json.loads(raw) if raw else None,
        )
        self.service.requests.append(request)
        fault = self.service.faults.get(parts.path)
        if fault is None:
            status, body = self.service.answer(request)
            self._send(status, json.dumps(body).encode(), {"content-type": "application/json"})
            return
        if fault.serves:
            self.service.answer(request)
        self._fail(fault)

    def _fail(self, fault: Fault) -> None:
        self.close_connection = True
        if fault.silence_seconds:
            time.sleep(fault.silence_seconds)
        if fault.cut:
            self.connection.close()
        elif fault.endless:
            self.send_response(200)
            self.end_headers()
            self._send_endlessly()
        else:
            self._send(fault.status, fault.body, fault.headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_endlessly(self) -> None:
        try:
            while True:
                self.wfile.write(CHUNK)
        except OSError:
            return
