"""github.com: the pages and endpoints of sign-ins, and repositories over HTTPS."""

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fakes.github.git_hosting import GitHosting


class GitHubWeb:
    """An ASGI app over both."""

    def __init__(self, sign_in: ASGIApp, git: GitHosting) -> None:
        self._sign_in = sign_in
        self._git = git

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._git if ".git/" in scope["path"] else self._sign_in
        await app(scope, receive, send)
