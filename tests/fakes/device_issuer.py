"""An issuer of Codex's device login on the loopback, which a test approves or refuses.

The paths and answers are those that the real program asks for (0.169.0): it polls
`deviceauth/token`, takes 403 for "not yet", and exchanges the code at `oauth/token`.
"""

import base64
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

EMAIL = "dev@example.test"
ACCESS_TOKEN_MARK = "planted-access"
REFRESH_TOKEN = "planted-refresh-token-0123456789"


class DeviceIssuer:
    """Use it as a context manager. `answer` is `pending`, `approve`, `deny` or `fail`."""

    def __init__(self) -> None:
        self.answer = "pending"
        self.starts_with = 200
        self.requests: list[str] = []
        self.numbers = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.issuer = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "DeviceIssuer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._reply(404, {})

    def do_POST(self) -> None:
        issuer: DeviceIssuer = self.server.issuer  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("content-length") or 0))
        issuer.requests.append(self.path)
        if self.path.endswith("/deviceauth/usercode"):
            number = next(issuer.numbers)
            code = {"device_auth_id": f"dev_{number}", "user_code": f"ABCD-{number:05}"}
            self._reply(issuer.starts_with, {**code, "interval": "1"})
        elif self.path.endswith("/deviceauth/token"):
            self._poll(issuer.answer)
        elif self.path.endswith("/oauth/token"):
            self._reply(200, tokens())
        else:
            self._reply(404, {})

    def _poll(self, answer: str) -> None:
        status = {"pending": 403, "approve": 200, "deny": 400, "fail": 503}[answer]
        code = {"authorization_code": "code", "code_challenge": "c", "code_verifier": "v"}
        self._reply(status, code if status == 200 else {"error": answer})

    def _reply(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def tokens() -> dict[str, str]:
    """Return the tokens of the account `EMAIL`."""
    account = {
        "chatgpt_plan_type": "plus",
        "chatgpt_account_id": "acct_fake",
        "chatgpt_user_id": "user_fake",
    }
    claims = {"email": EMAIL, "exp": 4102444800, "https://api.openai.com/auth": account}
    access = {**claims, "jti": ACCESS_TOKEN_MARK}
    return {
        "id_token": _unsigned(claims),
        "access_token": _unsigned(access),
        "refresh_token": REFRESH_TOKEN,
    }


def _unsigned(claims: object) -> str:
    return ".".join((_encode({"alg": "none"}), _encode(claims), "c2ln"))


def _encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
