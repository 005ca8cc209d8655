"""`LoopbackNetwork`: outside services of a test under their production host names.

It owns one thread with an event loop: a CONNECT proxy, one HTTPS server for all apps, and a
TLS listener for each plain server. `close` ends them and deletes the certificates.
"""

import asyncio
import shutil
import ssl
import tempfile
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

import httpx
import uvicorn
from starlette.types import ASGIApp

from tests.fakes.loopback_network.authority import create_authority
from tests.fakes.loopback_network.connect_proxy import ConnectProxy
from tests.fakes.loopback_network.dispatcher import HostDispatcher
from tests.fakes.loopback_network.tunnel import tunnel
from xo_cowork_core.sdk.testing.oauth_server.loopback_server import create_listener

LOOPBACK = "127.0.0.1"
NO_PROXY = "127.0.0.1,localhost,::1"
Address: TypeAlias = tuple[str, int]
START_SECONDS = 10.0
HTTP_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 600


class PlainServer(NamedTuple):
    """A server that already listens on a loopback port, without TLS."""

    port: int


class LoopbackNetwork:
    """Serves a table of hosts; a request to any other host is refused and fails the test.

        with LoopbackNetwork({"api.acme.com": acme.app}) as network:
            server = LiveServer(environment=network.environment)

    An app is any ASGI app (its lifespan is not run); a `PlainServer` is reached without TLS.
    `environment` leads programs here: the server under test, and git, rclone, Node and Python.
    On exit, and in `check`, a refused request or an exception of an app is an AssertionError.
    """

    def __init__(self, hosts: Mapping[str, ASGIApp | PlainServer]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="xo-network-"))
        self._authority, self._context = create_authority(self._folder, hosts)
        self._plain = {n: host for n, host in hosts.items() if isinstance(host, PlainServer)}
        self._apps = HostDispatcher(
            {n: host for n, host in hosts.items() if not isinstance(host, PlainServer)}
        )
        self._addresses: dict[str, Address] = {}
        self._proxy = ConnectProxy(self._addresses)
        self._socket = create_listener()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopping = asyncio.Event()
        self._has_started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loopback-network", daemon=True)

    def __enter__(self) -> "LoopbackNetwork":
        self._thread.start()
        assert self._has_started.wait(START_SECONDS), "the loopback network did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.check()

    def close(self) -> None:
        """Stop, and delete the certificates."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def stop(self) -> None:
        """End the thread: from now on no host can be reached."""
        if self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._is_stopping.set)
            self._thread.join(START_SECONDS)
        self._socket.close()

    @property
    def proxy_url(self) -> str:
        """The URL of the proxy."""
        return f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"

    @property
    def authority(self) -> Path:
        """The PEM file with the only certificate authority that these hosts have."""
        return self._authority

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a program here, and nowhere else but to the loopback."""
        proxies = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
        authorities = (
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "RCLONE_CA_CERT",
            "GIT_SSL_CAINFO",
            "NODE_EXTRA_CA_CERTS",
        )
        return {
            **dict.fromkeys(proxies, self.proxy_url),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), NO_PROXY),
            **dict.fromkeys(authorities, str(self._authority)),
        }

    @property
    def connected(self) -> list[str]:
        """The host of each connection so far, in their order."""
        return list(self._proxy.connected)

    @property
    def refused(self) -> list[str]:
        """What was refused since the last `check`: `host:port`, or a method and an http URL."""
        return list(self._proxy.refused)

    def check(self) -> None:
        """Raise AssertionError for refused requests and exceptions of apps, and forget them."""
        refused, errors = self.refused, list(self._apps.errors)
        self._proxy.refused.clear()
        self._apps.errors.clear()
        assert not refused, f"requests left the loopback network: {refused}"
        assert not errors, f"stand-ins failed: {errors}"

    def client(self) -> httpx.Client:
        """Return an HTTP client in this network, for a test that is the browser. Close it."""
        verify = ssl.create_default_context(cafile=self._authority)
        return httpx.Client(
            proxy=self.proxy_url, verify=verify, trust_env=False, timeout=HTTP_SECONDS
        )

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._serve())

    async def _serve(self) -> None:
        """Listen until `close`. What then still runs, the tunnels, is cancelled by the runner."""
        async with AsyncExitStack() as servers:
            for host, plain in self._plain.items():
                self._addresses[host] = await servers.enter_async_context(self._tls_end(plain))
            https = await servers.enter_async_context(self._https_server())
            self._addresses.update(dict.fromkeys(self._apps.hosts, https))
            proxy = await asyncio.start_server(self._proxy.serve, sock=self._socket)
            servers.callback(proxy.close)
            self._has_started.set()
            await self._is_stopping.wait()

    @asynccontextmanager
    async def _tls_end(self, plain: PlainServer) -> AsyncIterator[Address]:
        """Listen with TLS in front of a server that has none; yield the address."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await tunnel(reader, writer, (LOOPBACK, plain.port))

        listener = await asyncio.start_server(serve, LOOPBACK, 0, ssl=self._context)
        try:
            yield listener.sockets[0].getsockname()
        finally:
            listener.close()

    @asynccontextmanager
    async def _https_server(self) -> AsyncIterator[Address]:
        """Run the HTTPS server of all apps; yield its address."""
        config = uvicorn.Config(
            self._apps,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            # a client would reuse a connection that is just being closed
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            ssl_context_factory=lambda *_: self._context,
        )
        server = uvicorn.Server(config)
        listener = create_listener()
        serving = asyncio.create_task(server.serve([listener]), name="apps")
        try:
            while not server.started:
                assert not serving.done(), "the server of the apps did not start"
                await asyncio.sleep(0.001)
            yield listener.getsockname()
        finally:
            server.should_exit = server.force_exit = True
            await serving
