"""The command line, as a real process."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.plugins.sleeper import SLEEPER
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually, install_plugin

HEALTHY = """
from xo_cowork_core.sdk import ChecksHealth, Contributions, Health, Runtime, RuntimeInfo
from xo_cowork_core.sdk import Setting, hookimpl

class Tool(Runtime, ChecksHealth):
    def describe(self):
        return RuntimeInfo(name="tool", title="Tool")
    async def run(self, turn):
        return
        yield
    async def health(self):
        return Health(%s)

class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(settings=[Setting("TOOL_COLOUR", "Which colour.", "blue")])
    @hookimpl
    def xo_runtimes(self, context):
        (context.paths.ensure_state_folder() / "own").touch()
        return [Tool()]

plugin = Plugin()
"""


class Command:
    """Runs `xo-cowork` in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XO_STATE_DIR": str(home / "state"),
            "STAGE": "local",
            "XO_PLUGINS": "runtime_tool",
            "PYTHONPATH": str(home / "plugins"),
        }

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "xo_cowork_core", *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def install(self, health: str) -> None:
        install_plugin(self.home / "plugins", "runtime_tool", HEALTHY % health)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_serve_help_lists_the_settings_of_core_and_plugins(command):
    command.install('state="ready"')
    shown = command("serve", "--help")
    assert shown.returncode == 0
    for name in ("HOST", "PORT", "XO_API_TOKEN", "XO_PLUGINS", "TOOL_COLOUR"):
        assert f"\n  {name}" in shown.stdout
    assert "one of local, beta" in shown.stdout
    assert shown.stderr == ""


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"PORT": "http"}, "PORT='http' (from the environment) is not allowed"),
        ({"HOST": "0.0.0.0"}, "set XO_API_TOKEN, or HOST=127.0.0.1"),
        ({"XO_PLUGINS": "gone", "XO_PLUGINS_STRICT": "1"}, "plugin gone is missing"),
        ({"XO_STATE_DIR": "/dev/null/state"}, "can't be used"),
        ({"XO_STATE_DIR": "~no-such-user/state"}, "an absolute path"),
        ({"XO_CONFIG": "/nowhere/at/all"}, "does not exist"),
        ({"HOME": "somewhere"}, "HOME='somewhere' must be an absolute path"),
    ],
)
def test_a_refused_start_prints_one_line(command, environment, line):
    command.install('state="ready"')
    refused = command("serve", **{"PORT": "0"} | environment)
    assert refused.returncode == 1
    assert line in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stderr.startswith("xo-cowork: ") or "\nxo-cowork: " in refused.stderr


def test_a_port_that_is_taken_is_one_line(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = command("serve", PORT=str(taken.getsockname()[1]), XO_PLUGINS="none")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "can't be listened on" in refused.stderr


def test_a_second_server_on_one_state_folder_is_refused(command):
    with LiveServer(environment={"XO_PLUGINS": "none"}) as server:
        state = str(server.state)
        assert stat.S_IMODE(server.state.stat().st_mode) == 0o700
        refused = command("serve", PORT="0", XO_STATE_DIR=state, XO_PLUGINS="none")
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        assert "another server uses the state folder" in refused.stderr
        assert server.client.get("/health").status_code == 200
        server.kill()
        server.start()


@pytest.fixture
def not_under_nohup() -> Iterator[None]:
    """Start servers as a terminal does: SIGHUP is ignored where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("not_under_nohup")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly_with_open_readers(number):
    with LiveServer(fresh=True) as server:
        turn = Chat(server, "demo").prompt("slow")
        with Chat(server, "demo").stream(turn.stream_id):
            os.kill(server.pid, number)
            eventually(lambda: not server.running, 20, "it has ended")
            assert server.terminate() == 0


def test_a_server_that_is_to_outlive_its_terminal_ignores_its_end(command):
    environment = command.environment | {"PORT": "0", "XO_PLUGINS": "none"}
    with subprocess.Popen(
        ["nohup", sys.executable, "-m", "xo_cowork_core", "serve"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as started:
        assert started.stdout
        assert b"listening" in started.stdout.readline()
        status = Path(f"/proc/{started.pid}/status").read_text()
        caught = int(status.split("SigCgt:")[1].split()[0], 16)
        assert caught & 1 << (signal.SIGTERM - 1)
        assert not caught & 1 << (signal.SIGHUP - 1)
        started.terminate()
        assert started.wait(30) == 0


def test_it_prints_its_address_runtimes_and_a_curl_to_try():
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}, fresh=True) as server:
        lines = server.log.splitlines()
        assert f"listening on {server.base_url}" in lines
        assert "  demo: ready" in lines
        assert any(line.startswith("try: curl") and server.base_url in line for line in lines)


def test_it_prints_what_is_missing_and_refers_to_doctor(command):
    command.install('state="missing", detail="No tool here."')
    environment = {"XO_PLUGINS": "runtime_tool", "AGENT_NAME": "toool"}
    folder = command.home / "plugins"
    with LiveServer(environment=environment, python_path=[folder]) as server:
        eventually(lambda: "try: curl" in server.log, 10, "the last line")
        assert "  tool: missing. No tool here.\n" in server.log
        assert "the default runtime toool (AGENT_NAME, DEFAULT_AGENT) is not there" in server.log
        assert "xo-cowork doctor" in server.log


def test_plugins_list_prints_the_state_of_each(command):
    command.install('state="ready"')
    rows = json.loads(command("plugins", "list", "--json").stdout)
    states = {row["name"]: row["state"] for row in rows}
    assert states.pop("runtime_tool") == "loaded"
    assert set(states.values()) <= {"disabled"}
    assert "runtime_tool" in command("plugins", "list").stdout


def test_plugins_check_fails_an_image_with_a_broken_plugin(command):
    command.install('state="ready"')
    assert command("plugins", "check").returncode == 0
    failed = command("plugins", "check", XO_PLUGINS="runtime_tool,runtime_gone")
    assert failed.returncode == 1
    assert "runtime_gone" in failed.stdout


def test_commands_that_serve_nothing_need_no_token_in_an_image(command):
    command.install('state="ready"')
    for arguments in (["plugins", "check"], ["plugins", "list"], ["doctor"], ["openapi"]):
        looked = command(*arguments, HOST="0.0.0.0")
        assert looked.returncode == 0, looked.stderr


def test_doctor_is_content_when_all_is_ready(command):
    command.install('state="ready", version="9.1", binary="/opt/tool", signed_in=True')
    well = command("doctor")
    assert (well.returncode, well.stderr) == (0, "")
    assert "ok runtime tool: ready 9.1" in well.stdout
    assert "signed in" in well.stdout


def test_doctor_names_what_is_missing_and_what_mends_it(command):
    command.install('state="missing", detail="No tool here.", fix="npm install -g tool"')
    ill = command("doctor")
    assert ill.returncode == 1
    assert "fix: npm install -g tool" in ill.stdout
    finding = json.loads(command("doctor", "--json").stdout)[0]
    assert (finding["name"], finding["state"], finding["ok"]) == ("tool", "missing", False)


def test_doctor_leaves_a_running_server_and_its_processes_alone(command):
    command.install('state="ready"')
    install_plugin(command.home / "plugins", "plugin_sleeper", SLEEPER)
    enabled = {"XO_PLUGINS": "plugin_sleeper"}
    with LiveServer(environment=enabled, python_path=[command.home / "plugins"]) as server:
        before = server.descendants()
        assert before
        assert command("doctor", XO_STATE_DIR=str(server.state)).returncode == 0
        assert server.descendants() == before


def test_openapi_prints_the_document(command):
    document = json.loads(command("openapi", XO_PLUGINS="none").stdout)
    assert "/health" in document["paths"]
