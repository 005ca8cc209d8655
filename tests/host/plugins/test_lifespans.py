"""What takes half a minute in life, with shorter limits."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from xo_cowork_core.host.plugins import lifespans
from xo_cowork_core.host.plugins.hook_caller import HookCaller
from xo_cowork_core.host.plugins.lifespans import PluginLifespans
from xo_cowork_core.host.plugins.registrar import LoadedPlugin
from xo_cowork_core.sdk import hookimpl
from xo_cowork_core.services.runtimes.call_thread import CallThread
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord


class Plugin:
    """Starts after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    @hookimpl
    @asynccontextmanager
    async def xo_lifespan(self, context):
        await asyncio.sleep(self.seconds)
        yield


def _loaded_plugin(name: str, seconds: float) -> LoadedPlugin:
    record = PluginRecord(name)
    return LoadedPlugin(HookCaller(record, Plugin(seconds), CallThread("test")), context=None)


async def _until(holds) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifespans, "START_SECONDS", 0.4)


def test_a_start_that_never_ends_is_failed_at_its_limit(short):
    taken_out: list[str] = []

    async def take_out(name: str) -> None:
        taken_out.append(name)

    async def scenario() -> None:
        hanging, late = _loaded_plugin("hanging", 3600), _loaded_plugin("late", 0.2)
        owned = PluginLifespans([hanging, late], take_out)
        await owned.start(wait=0.05)
        assert (hanging.record.state, late.record.state) == ("starting", "starting")
        await _until(lambda: late.record.state == "ready")
        await _until(lambda: hanging.record.state == "failed")
        await _until(lambda: taken_out == ["hanging"])
        assert hanging.record.error == "did not start within 0 s"
        await owned.stop()
        assert late.record.state == "stopped"
        assert hanging.record.state == "failed"

    asyncio.run(scenario())
