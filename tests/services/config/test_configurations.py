"""A runtime whose plugin does not serve is not asked for its configuration."""

from typing import Any, cast

import pytest

from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import Json, Runtime, RuntimeInfo, Unavailable
from xo_cowork_core.sdk.runtime.configuration import ShowsConfiguration
from xo_cowork_core.services.config.configurations import Configurations
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.secrets.redaction import SecretRedactor


class Unready(Runtime, ShowsConfiguration):
    """A runtime that fails when it is asked before its start."""

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("unready", "Unready")

    def run(self, turn: object) -> Any:
        raise AssertionError("no turn was expected")

    async def configuration(self) -> Json:
        raise AssertionError("the plugin has not started")


@pytest.mark.parametrize(("state", "retry_after"), [("starting", 2), ("failed", None)])
@in_event_loop
async def test_a_plugin_that_does_not_serve_is_503(state: Any, retry_after: int | None) -> None:
    registry, runtime = Registry(), Unready()
    record = PluginRecord("runtime_unready", kind="runtime", state=state)
    secrets = cast("Any", None)
    registry.add_runtime(RegisteredRuntime(runtime.describe(), runtime, record, secrets))
    configurations = Configurations(registry, SecretRedactor())
    with pytest.raises(
        Unavailable, match=f"Unready is not ready: its plugin is {state}"
    ) as refused:
        await configurations.read("unready")
    assert refused.value.retry_after == retry_after
