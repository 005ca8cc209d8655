"""The REST API: the account of an access token that a person created."""

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from tests.fakes.vercel.server import FakeVercel

USER_PATH = "/v2/user"
USERINFO_PATH = "/login/oauth/userinfo"


class VercelApi:
    """`GET /v2/user`; `login` serves the endpoints of the sign-in."""

    def __init__(self, vercel: "FakeVercel", login: ASGIApp) -> None:
        self._vercel = vercel
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ")
        answer: ASGIApp = self._login
        if scope["path"] == USER_PATH:
            answer = self._user(token)
        elif scope["path"] == USERINFO_PATH and self._refuses_userinfo(token):
            answer = JSONResponse({"error": "insufficient_scope"}, 403)
        await answer(scope, receive, send)

    def _refuses_userinfo(self, token: str) -> bool:
        vercel = self._vercel
        return vercel.has_signed_in(token) and not vercel.names_accounts

    def _user(self, token: str) -> Response:
        vercel = self._vercel
        if vercel.user_status != 200:
            error = {"code": "internal_server_error", "message": "Vercel fails"}
            return JSONResponse({"error": error}, vercel.user_status)
        vercel.record_user_request()
        if token not in vercel.keys or not vercel.is_valid(token):
            error = {"code": "forbidden", "message": "Not authorized", "invalidToken": True}
            return JSONResponse({"error": error}, 403)
        account = vercel.options.account
        user = {
            "id": account["sub"],
            "username": account["preferred_username"],
            "name": account["name"],
            "email": account["email"],
            "avatar": "0f0f",
        }
        return JSONResponse({"user": user})
