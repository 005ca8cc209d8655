"""A plugin's setting of the type `flag` reaches the plugin as 0 or 1."""

from collections.abc import Callable
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

FLAGGED = """
from fastapi import APIRouter

from xo_cowork_core.sdk import Contributions, Setting, hookimpl

class Plugin:
    @hookimpl
    def xo_contributes(self):
        flag = Setting("TOOL_LOUD", "Whether it is loud.", "0", "flag")
        return Contributions(prefixes=["/api/tool"], settings=[flag])

    @hookimpl
    def xo_routers(self, context):
        router = APIRouter()

        @router.get("/api/tool")
        async def tool():
            return {"loud": context.settings["TOOL_LOUD"]}

        return [router]

plugin = Plugin()
"""


@pytest.mark.parametrize(
    ("written", "value"),
    [("", "0"), ("0", "0"), ("no", "0"), ("1", "1"), ("TRUE", "1"), ("yes", "1")],
)
def test_a_flag_is_0_or_1(
    live_server: Callable[..., LiveServer], tmp_path: Path, written: str, value: str
) -> None:
    folder = install_plugin(tmp_path, "plugin_flagged", FLAGGED)
    server = live_server({"XO_PLUGINS": "plugin_flagged", "TOOL_LOUD": written}, [folder])
    assert server.client.get("/api/tool").json() == {"loud": value}


def test_a_flag_that_is_none_fails_its_plugin_alone(
    live_server: Callable[..., LiveServer], tmp_path: Path
) -> None:
    folder = install_plugin(tmp_path, "plugin_flagged", FLAGGED)
    server = live_server({"XO_PLUGINS": "plugin_flagged", "TOOL_LOUD": "maybe"}, [folder])
    rows = server.client.get("/api/plugins").json()["plugins"]
    row = next(row for row in rows if row["name"] == "plugin_flagged")
    assert row["state"] == "failed"
    assert "TOOL_LOUD" in row["error"]
    assert "1 or 0" in row["error"]
