"""`FakeManus`: api.manus.ai, and a test's control over it."""

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from tests.fakes.json_rewriter import JsonRewriter
from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer

HOST = "api.manus.ai"
TASKS_PATH = "/v2/task.list"
KEY_HEADER = "x-manus-api-key"
NO_TASKS: Mapping[str, JsonValue] = {
    "ok": True,
    "request_id": "request-1",
    "data": [],
    "has_more": False,
}
MANY = 1000


class FakeManus(FakeOAuthServer):
    """`GET /v2/task.list` for the keys that `accept_key` knows.

    Give `hosts` to a `LoopbackNetwork`. Control and log are those of `FakeOAuthServer`, where the
    endpoint is `userinfo`; there is no sign-in.
    """

    def __init__(self) -> None:
        super().__init__(account_path=TASKS_PATH, account=NO_TASKS, key_header=KEY_HEADER)
        self.url = f"https://{HOST}"

    @property
    def hosts(self) -> Mapping[str, ASGIApp]:
        """The app by the name of its host."""
        return {HOST: JsonRewriter(self.app, _rewrite)}

    def answer(self, status: int, code: str, message: str, **headers: str) -> None:
        """Answer requests with an error in Manus's form, until `clear`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = error_body(code, message)
        self.fault("userinfo", status, body, headers=named, times=MANY)


def error_body(code: str, message: str) -> dict[str, JsonValue]:
    """Return an error in Manus's form."""
    return {"ok": False, "request_id": "request-1", "error": {"code": code, "message": message}}


def _rewrite(path: str, status: int, body: Any) -> Any:
    return error_body("permission_denied", "invalid api key") if status == 401 else body
