"""What a start makes of a home and of configuration files that are not quite right."""

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, install_plugin

SIGNAL_PAUSE_SECONDS = 0.005
HOMES = """
import os
from pathlib import Path

from xo_cowork_core.sdk import Contributions, Setting, hookimpl

class Plugin:
    @hookimpl
    def xo_contributes(self):
        Path(os.environ["TOLD"]).write_text(os.environ["HOME"])
        colour = Setting("TOOL_COLOUR", "Which colour.", "blue")
        return Contributions(settings=[colour, Setting("TOOL_URL", "Where.", kind="url")])

plugin = Plugin()
"""


@pytest.fixture
def server(tmp_path: Path) -> LiveServer:
    """A server that was not started yet."""
    install_plugin(tmp_path, "plugin_homes", HOMES)
    environment = {
        "XO_PLUGINS": "plugin_homes",
        "XO_PLUGINS_DIR": str(tmp_path / "plugins.d"),
        "TOLD": str(tmp_path / "told"),
    }
    return LiveServer(environment=environment, python_path=[tmp_path], fresh=True)


def command(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xo_cowork_core", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_key_that_is_no_setting_is_warned_of_once_and_does_not_stop(server):
    server.state.mkdir()
    file = server.state / "config.toml"
    file.write_text(
        'prot = 5003\ntool_colour = "red"\nXO_WIRE_STYLE = "spa"\n[server]\nsecret = "s3cret"\n'
    )
    with server:
        warned = [line for line in server.log.splitlines() if " WARNING " in line]
        assert len(warned) == 2
        assert f"prot in {file} is not known" in warned[0]
        assert "did you mean PORT?" in warned[0]
        assert f"server in {file} is not known" in warned[1]
        assert "s3cret" not in server.log


def test_at_debug_level_nothing_of_a_chat_is_logged():
    environment = {"XO_PLUGINS": "runtime_demo", "XO_LOG_LEVEL": "debug"}
    with LiveServer(environment=environment) as server:
        turn = Chat(server, "demo").run_turn("text")
        assert turn.events[-1] == "done"
        server.terminate()
        assert "text-delta" not in server.log
        assert turn.text[:10] not in server.log


def test_a_misspelt_drop_in_file_is_warned_of(server, tmp_path):
    (tmp_path / "plugins.d").mkdir()
    (tmp_path / "plugins.d" / "10-base.toml").write_text('plugin = ["plugin_homes"]\n')
    server.state.mkdir()
    settings = server.variables() | {"XO_PLUGINS": ""}
    found = command(settings, "doctor")
    assert found.returncode == 1
    assert "10-base.toml" in found.stdout
    assert "did you mean plugins?" in found.stdout


def test_doctor_names_a_key_that_is_no_setting(server):
    server.state.mkdir()
    (server.state / "config.toml").write_text("prot = 5003\n")
    found = command(server.variables(), "doctor", "--json")
    assert found.returncode == 1
    finding = json.loads(found.stdout)[0]
    assert (finding["kind"], finding["name"], finding["ok"]) == ("setting", "prot", False)
    assert "did you mean PORT?" in finding["detail"]


def test_a_projects_root_that_is_of_no_use_is_named_at_start_and_by_doctor(server, tmp_path):
    (tmp_path / "file").touch()
    wrong = {"XO_PROJECTS_ROOT": str(tmp_path / "file" / "projects")}
    problem = f"XO_PROJECTS_ROOT={tmp_path}/file/projects (from the environment): "
    found = command(server.variables() | wrong, "doctor")
    assert found.returncode == 1
    assert f"{problem}{tmp_path}/file is no folder" in found.stdout
    environment = {"XO_PLUGINS": "none", **wrong}
    with LiveServer(environment=environment) as other:
        assert problem in other.log


@pytest.mark.parametrize(
    "wrong", ["box:80", "ftp://box", "http://", "ws://box:99999", "ws://box:0", "ws://b ox"]
)
def test_a_wrong_address_fails_its_plugin_with_one_line(server, wrong):
    found = command(server.variables() | {"TOOL_URL": wrong}, "plugins", "check")
    assert found.returncode == 1
    assert f"TOOL_URL={wrong!r} (from the environment) is not allowed" in found.stdout
    assert "Traceback" not in found.stderr


def test_an_empty_home_counts_as_not_set(server, tmp_path):
    command(server.variables() | {"HOME": ""}, "plugins", "check")
    assert (tmp_path / "told").read_text() == pwd.getpwuid(os.getuid()).pw_dir


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_further_signals_do_not_change_the_exit_code(number):
    with LiveServer(environment={"XO_PLUGINS": "none"}, fresh=True) as server:
        ended = threading.Event()

        def send_signals(pid: int) -> None:
            while not ended.wait(SIGNAL_PAUSE_SECONDS):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)

        sender = threading.Thread(target=send_signals, args=(server.pid,))
        sender.start()
        try:
            assert server.terminate() == 0
        finally:
            ended.set()
            sender.join()
