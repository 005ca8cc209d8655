"""Repositories over HTTPS: the real `git http-backend` behind Basic authentication."""

import asyncio
import base64
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from xo_cowork_core.sdk.testing.oauth_server.grants import GrantStore

USER = "x-access-token"
CHALLENGE = {"www-authenticate": 'Basic realm="GitHub"'}


class GitRequest(NamedTuple):
    """One request, and the token that it was sent with; "" without one."""

    method: str
    path: str
    token: str


class GitHosting:
    """An ASGI app. Whoever has a valid token reads and pushes all repositories."""

    def __init__(self, folder: Path, store: GrantStore) -> None:
        self._folder = folder
        self._store = store
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.requests: list[GitRequest] = []

    def create_repository(self, name: str) -> str:
        """Create an empty repository `<owner>/<repository>` and return its URL."""
        path = self._folder / f"{name}.git"
        self._run("init", "--quiet", "--bare", "--initial-branch", "main", str(path))
        return f"https://github.com/{name}.git"

    def log(self, name: str) -> list[str]:
        """Return the subjects of the commits of `main`, the newest first."""
        path = self._folder / f"{name}.git"
        if not (path / "refs" / "heads" / "main").exists():
            return []
        return self._run("-C", str(path), "log", "--format=%s", "main").splitlines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        token = _token(request)
        self.requests.append(GitRequest(request.method, request.url.path, token))
        if self._store.valid_access(token) is None:
            response = Response("Authentication required.", 401, CHALLENGE)
        else:
            response = await self._serve(request)
        await response(scope, receive, send)

    async def _serve(self, request: Request) -> Response:
        headers = request.headers
        backend = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                **self._environment,
                "GIT_PROJECT_ROOT": str(self._folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": request.url.path,
                "QUERY_STRING": request.url.query,
                "REQUEST_METHOD": request.method,
                "CONTENT_TYPE": headers.get("content-type", ""),
                "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
                "GIT_PROTOCOL": headers.get("git-protocol", ""),
                "REMOTE_USER": USER,
                "REMOTE_ADDR": "127.0.0.1",
            },
        )
        output, _ = await backend.communicate(await request.body())
        return _cgi_response(output)

    def _run(self, *arguments: str) -> str:
        command = ["git", *arguments]
        run = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=True, timeout=30
        )
        return run.stdout


def _token(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    user, _, password = base64.b64decode(credentials).decode().partition(":")
    return password if user == USER else ""


def _cgi_response(output: bytes) -> Response:
    head, _, body = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    return Response(body, status, headers)
