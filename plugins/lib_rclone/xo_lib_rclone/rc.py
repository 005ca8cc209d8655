"""Sends commands to the daemon: rclone's remote control, JSON over its unix socket.

`call` restarts a daemon that died and repeats the command once where that is harmless. What
rclone itself answers with is translated by `errors`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote

from xo_cowork_core.sdk import HttpClient, HttpResponse, JsonValue, Unavailable, UpstreamFailed
from xo_cowork_core.sdk.http import HttpStream
from xo_lib_rclone.daemon import SOCKET_URL, Endpoint, RcloneDaemon
from xo_lib_rclone.errors import OVERLOAD_SECONDS, DaemonLost, translate_failure

CALL_SECONDS = 120.0
# after the last part of an upload rclone may still have to send what it has read
COMMIT_SECONDS = 600.0
Parameters = Mapping[str, JsonValue]


class RemoteControl:
    """The commands of one daemon. `title` is the service's name in errors."""

    def __init__(self, daemon: RcloneDaemon, http: HttpClient, title: str) -> None:
        self.daemon = daemon
        self.title = title
        self._http = http

    async def call(
        self,
        command: str,
        parameters: Parameters,
        *,
        repeatable: bool = True,
        timeout: float = CALL_SECONDS,
    ) -> Parameters:
        """Run a command and return its answer.

        Raises DaemonLost when rclone does not answer, also to the repetition, and the errors of
        `translate_failure`.
        """
        try:
            return await self._call(command, parameters, timeout)
        except DaemonLost:
            if not repeatable:
                raise
        return await self._call(command, parameters, timeout)

    async def forget_folders(self) -> None:
        """Let rclone look paths up again.

        It remembers which folder a path is for 30 s, also when somebody has moved the folder, or
        put it into the trash, in the meantime: before it changes something it must look again.
        """
        await self.call("fscache/clear", {})

    @asynccontextmanager
    async def open_file(
        self, remote: str, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[HttpStream]:
        """Request the content of a file; `remote` is a checked name. Raises as `call`."""
        url = f"{SOCKET_URL}{quote(f'[{remote}:]', safe='')}/{quote(path)}"
        async with self.daemon.use() as endpoint:
            try:
                stream = self._http.stream("GET", url, headers=headers, socket=endpoint.socket)
                async with stream as response:
                    if response.status < 400:
                        yield response
                        return
                    body = b"".join([chunk async for chunk in response.chunks()])
            except Unavailable:
                raise await self._explain_silence(endpoint) from None
        self.read(HttpResponse(response.status, response.headers, body))

    async def send_file(
        self, remote: str, folder: str, content: AsyncIterator[bytes], content_type: str
    ) -> None:
        """Send a multipart body to be stored in a folder. Raises as `call`, which it never repeats.

        What `content` raises ends the upload and is raised.
        """
        async with self.daemon.use() as endpoint:
            try:
                stream = self._http.stream(
                    "POST",
                    SOCKET_URL + "operations/uploadfile",
                    params={"fs": f"{remote}:", "remote": folder},
                    headers={"content-type": content_type},
                    content=content,
                    socket=endpoint.socket,
                    timeout=COMMIT_SECONDS,
                )
                async with stream as response:
                    body = b"".join([chunk async for chunk in response.chunks()])
            except Unavailable:
                raise await self._explain_silence(endpoint) from None
        self.read(HttpResponse(response.status, response.headers, body))

    async def _call(self, command: str, parameters: Parameters, timeout: float) -> Parameters:
        async with self.daemon.use() as endpoint:
            try:
                response = await self._http.request(
                    "POST",
                    SOCKET_URL + command,
                    json=dict(parameters),
                    socket=endpoint.socket,
                    timeout=timeout,
                )
            except Unavailable:
                raise await self._explain_silence(endpoint) from None
        return self.read(response)

    def read(self, response: HttpResponse) -> Parameters:
        """Return the answer to a command. Raises the errors of `translate_failure`."""
        answer = response.json()
        if not isinstance(answer, Mapping):
            raise UpstreamFailed("rclone sent an answer that is no JSON object.")
        if response.status >= 400:
            text = str(answer.get("error", ""))
            raise translate_failure(response.status, text, self.title)
        return answer

    async def _explain_silence(self, endpoint: Endpoint) -> Unavailable:
        """Return why a request got no answer: rclone ended, or waits for the service."""
        if await self.daemon.recover(endpoint):
            return Unavailable(
                f"{self.title} did not answer in time.",
                details={"code": "upstream_unreachable"},
                retry_after=OVERLOAD_SECONDS,
            )
        return DaemonLost("rclone has ended; the next request starts it again.", retry_after=1)
