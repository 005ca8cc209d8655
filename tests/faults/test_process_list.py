"""The list of processes on disk, where it can't be written."""

import json
from pathlib import Path

from tests.support.plugins.sleeper import SLEEPER
from xo_cowork_core.sdk.testing import LiveServer, eventually, install_plugin


def test_a_list_that_cannot_be_written_is_logged_once_and_retried(tmp_path: Path) -> None:
    install_plugin(tmp_path, "plugin_sleeper", SLEEPER)
    server = LiveServer(environment={"XO_PLUGINS": "plugin_sleeper"}, python_path=[tmp_path])
    folder = server.state / "processes"

    def listed() -> bool:
        files = list(folder.glob("*.json"))
        return bool(files) and bool(json.loads(files[0].read_text())["processes"])

    folder.parent.mkdir()
    folder.touch()
    with server:
        eventually(lambda: "list of processes could not be written" in server.log, 10, "a word")
        folder.unlink()
        eventually(listed, 10, "the list")
        assert server.log.count("list of processes could not be written") == 1
