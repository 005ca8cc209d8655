"""api.github.com: the account, with the headers that say what a token may do and how often."""

import base64
import json
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from xo_cowork_core.sdk.testing.oauth_server.exchanges import OAuthRequest

if TYPE_CHECKING:
    from tests.fakes.github.server import FakeGitHub

LIMITS = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999"}
BAD_CREDENTIALS = {"message": "Bad credentials", "status": "401"}


class GitHubApi:
    """An ASGI app. `user_agents` has the `User-Agent` of each request."""

    def __init__(self, github: "FakeGitHub") -> None:
        self._github = github
        self.user_agents: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.user_agents.append(request.headers.get("user-agent", ""))
        if request.url.path == "/user":
            await self._account(request, send)
        else:
            response = await self._answer(request)
            await response(scope, receive, send)

    async def _account(self, request: Request, send: Send) -> None:
        headers = {**LIMITS, **self._scopes(request)}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                added = [(name.encode(), text.encode()) for name, text in headers.items()]
                message["headers"] += [each for each in added if each[0] not in own]
            await send(message)

        await self._github.app(request.scope, request.receive, send_with_headers)

    async def _answer(self, request: Request) -> Response:
        path, token = request.url.path, _token(request)
        if path.startswith("/applications/") and request.method == "DELETE":
            return await self._revoke(request)
        if self._github.store.valid_access(token) is None:
            return JSONResponse(BAD_CREDENTIALS, 401)
        headers = {**LIMITS, **self._scopes(request)}
        if path == "/graphql":
            login = self._github.options.account["login"]
            return JSONResponse({"data": {"viewer": {"login": login}}}, headers=headers)
        if path == "/":
            return JSONResponse({"current_user_url": "https://api.github.com/user"}, 200, headers)
        return JSONResponse({"message": "Not Found"}, 404, headers)

    async def _revoke(self, request: Request) -> Response:
        """Revoke a token for the app that got it, which names itself with its secret."""
        _, _, credentials = request.headers.get("authorization", "").partition(" ")
        client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
        token = json.loads(await request.body()).get("access_token", "")
        store = self._github.store
        self._github.record(OAuthRequest("revoke", {"client_id": client_id}, "basic"))
        client = store.clients.get(client_id)
        if client is None or not secret or client.secret != secret:
            return JSONResponse({"message": "Not Found"}, 404)
        entry = store.valid_access(token)
        if entry is None or entry.client_id != client_id:
            return JSONResponse({"message": "Not Found"}, 404)
        store.revoke(token)
        return Response(status_code=204)

    def _scopes(self, request: Request) -> dict[str, str]:
        token = _token(request)
        entry = self._github.store.valid_access(token)
        if entry is None or token in self._github.fine_grained:
            return {}
        scopes = dict.fromkeys(entry.scope.replace(",", " ").split())
        return {"x-oauth-scopes": ", ".join(scopes)}


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() in {"bearer", "token"} else ""
