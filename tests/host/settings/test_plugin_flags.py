"""A plugin's setting of the type `flag` reaches the plugin as a boolean."""

from collections.abc import Callable
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

FLAGGED = """
from fastapi import APIRouter

from xo_cowork_core.sdk import Claims, Setting, hookimpl

class Plugin:
    @hookimpl
    def xo_claims(self):
        flag = Setting("TOOL_LOUD", "Whether it is loud.", "0", "flag")
        return Claims(prefixes=["/api/tool"], settings=[flag])

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
    ("text", "value"),
    [("", False), ("0", False), ("no", False), ("1", True), ("TRUE", True), ("yes", True)],
)
def test_a_flag_is_a_boolean(
    live_server: Callable[..., LiveServer], tmp_path: Path, text: str, value: bool
) -> None:
    folder = install_plugin(tmp_path, "plugin_flagged", FLAGGED)
    server = live_server({"XO_PLUGINS": "plugin_flagged", "TOOL_LOUD": text}, [folder])
    assert server.client.get("/api/tool").json() == {"loud": value}


def test_a_flag_that_is_none_fails_its_plugin_alone(
    live_server: Callable[..., LiveServer], tmp_path: Path
) -> None:
    folder = install_plugin(tmp_path, "plugin_flagged", FLAGGED)
    server = live_server({"XO_PLUGINS": "plugin_flagged", "TOOL_LOUD": "maybe"}, [folder])
    (row,) = server.client.get("/api/plugins").json()["plugins"]
    assert row["state"] == "failed"
    assert "TOOL_LOUD" in row["error"]
    assert "1 or 0" in row["error"]
