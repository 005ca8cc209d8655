"""A `FakeContext` that sends real requests."""

from pathlib import Path
from types import TracebackType

from xo_cowork_core.sdk import HttpClient
from xo_cowork_core.sdk.testing import FakeContext
from xo_cowork_core.services.http import SharedHttpClient


class NetworkContext(FakeContext):
    """A context whose HTTP client is the host's, which leaving the block closes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, settings=settings)
        self._client = SharedHttpClient()

    @property
    def http(self) -> HttpClient:
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, _)
        await self._client.close()
