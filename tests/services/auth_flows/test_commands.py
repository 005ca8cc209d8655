"""Sign-in programs: prompts in pipes and terminals, pasted lines and redirects, failures."""

import asyncio
import re
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.connectors.engine import (
    CONNECTOR,
    ConnectorEngine,
    UserinfoConnector,
    eventually,
)
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import UpstreamFailed
from xo_cowork_core.sdk.connector import (
    CommandLogin,
    CommandOutput,
    LoopbackRedirect,
    TokenSet,
)
from xo_cowork_core.sdk.testing.ports import free_port
from xo_cowork_core.services.auth_flows.programs import command_run
from xo_cowork_core.services.connectors.errors import ToolMissing

HEADLESS = """
import sys
print("One-time code: AB-12", file=sys.stderr)
print("Open https://acme.test/device now", file=sys.stderr, flush=True)
line = sys.stdin.readline().strip()
print("token=" + line)
"""
PATIENT = """
import os, time
print("Open https://acme.test/device now", flush=True)
while not os.path.exists("{goes_on}"):
    time.sleep(0.01)
print("Not approved yet", flush=True)
time.sleep(60)
"""
IN_A_TERMINAL = """
import getpass, os, sys
assert all(os.isatty(number) for number in (0, 1, 2))
assert os.get_terminal_size().columns > 1000
# one prompt: what is typed before `getpass` has the terminal is dropped
link = "\\x1b[1mOpen\\x1b[0m https://acme.test/login?" + "x" * 300 + "&end=1 "
print("token=" + getpass.getpass(link + "Code: "))
"""
WITH_A_LISTENER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/auth"):
            self.send_response(307)
            self.send_header("Location", "https://acme.test/authorize?state=s1&client_id=c")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        assert self.path == "/?code=a%2Fb&state=s1", self.path
        print("token=fine", flush=True)
        server.done = True
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
server.done = False
port = server.server_port
"""


def read_tokens(output: CommandOutput) -> TokenSet:
    match = re.search(r"token=(\S+)", output.stdout)
    if match is None:
        raise UpstreamFailed("There is no token.")
    return TokenSet(SecretStr(match.group(1)))


def login(script: str, **fields: object) -> CommandLogin:
    return CommandLogin(
        (sys.executable, "-c", script),
        url_pattern=r"https?://\S+",
        read_tokens=read_tokens,
        **fields,
    )


@in_event_loop
async def test_a_program_prompts_on_stderr_and_reads_a_line(tmp_path: Path) -> None:
    method = login(HEADLESS, code_pattern=r"code: (\S+)", takes_input=True)
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        assert (flow.authorize_url, flow.user_code) == ("https://acme.test/device", "AB-12")
        assert flow.needs_input
        await engine.flows.submit(CONNECTOR, flow.flow_id, " 1234 \n")
        await engine.reaches(flow, "completed")
        tokens = await engine.connections.get(CONNECTOR)
        assert tokens.access_token.get_secret_value() == "1234"


@in_event_loop
async def test_a_line_that_changes_nothing_reaches_those_who_follow(tmp_path: Path) -> None:
    goes_on = tmp_path / "goes-on"
    method = login(PATIENT.format(goes_on=goes_on))
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        updates = engine.flows.follow(CONNECTOR, flow.flow_id)
        await anext(updates)
        following = asyncio.ensure_future(anext(updates))
        await asyncio.sleep(0)
        goes_on.touch()
        async with asyncio.timeout(10):
            update = await following
        assert [line.text for line in update.lines] == ["Not approved yet"]


@in_event_loop
async def test_a_program_in_a_terminal_reads_a_password_and_breaks_no_url(
    tmp_path: Path,
) -> None:
    method = login(IN_A_TERMINAL, takes_input=True, terminal=True)
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        assert flow.authorize_url and flow.authorize_url.endswith("x&end=1")
        await engine.flows.submit(CONNECTOR, flow.flow_id, "hidden")
        await engine.reaches(flow, "completed")
        tokens = await engine.connections.get(CONNECTOR)
        assert tokens.access_token.get_secret_value() == "hidden"


@in_event_loop
async def test_a_url_that_comes_in_pieces_and_colours_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_run, "QUIET_SECONDS", 30.0)
    script = """
import sys, time
for piece in ("\\x1b[4mhttps://acme.test/lo", "gin?a=", "b\\x1b[0m\\n"):
    print(piece, end="", flush=True)
    time.sleep(0.1)
time.sleep(600)
"""
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [login(script)])) as engine:
        flow = await engine.start()
        assert flow.authorize_url == "https://acme.test/login?a=b"


@in_event_loop
async def test_a_pasted_redirect_reaches_the_listener_of_a_program(tmp_path: Path) -> None:
    script = WITH_A_LISTENER.replace('("127.0.0.1", 0)', '("127.0.0.1", int(sys.argv[1]))')
    script += """
print(f"http://127.0.0.1:{port}/auth?state=local", file=sys.stderr, flush=True)
while not server.done:
    server.handle_request()
"""
    port = free_port()
    method = CommandLogin(
        (sys.executable, "-c", script, str(port)),
        url_pattern=r"http://127\.0\.0\.1:\d+/auth\S+",
        read_tokens=read_tokens,
        callback=LoopbackRedirect(port=port, path="/"),
    )
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        assert flow.authorize_url == "https://acme.test/authorize?state=s1&client_id=c"
        wrong = f"http://127.0.0.1:{port}/?code=a%2Fb&state=other"
        with pytest.raises(Exception, match="another sign-in"):
            await engine.flows.submit(CONNECTOR, flow.flow_id, wrong)
        right = wrong.replace("other", "s1")
        await engine.flows.submit(CONNECTOR, flow.flow_id, right)
        await engine.reaches(flow, "completed")


@in_event_loop
async def test_a_url_of_a_listener_that_does_not_answer_is_shown_as_it_is(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/auth"
    script = f"print('Open {url} now', flush=True); import time; time.sleep(600)"
    method = login(script, callback=LoopbackRedirect(port=port, path="/"))
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        assert (flow.state, flow.authorize_url) == ("awaiting_user", url)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("import sys; sys.exit('Error: access_denied: no')", "access_denied"),
        ("import sys; sys.exit('bind: address already in use')", "busy"),
        ("import sys; sys.exit(3)", "failed"),
        ("print('bye')", "upstream_error"),
    ],
)
def test_a_program_that_fails_ends_the_flow(tmp_path: Path, script: str, code: str) -> None:
    go = tmp_path / "go"
    prompt = (
        "print('https://acme.test/login', flush=True)\n"
        f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
    )

    async def run() -> None:
        method = login(prompt + script)
        async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
            flow = await engine.start()
            assert flow.state == "awaiting_user"
            go.touch()
            ended = await engine.reaches(flow, "failed")
            assert ended.error and ended.error.code == code

    asyncio.run(run())


@in_event_loop
async def test_cancel_kills_the_program(tmp_path: Path) -> None:
    script = "import time; print('https://acme.test/login', flush=True); time.sleep(600)"
    method = login(script)
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        [process] = engine.processes._processes
        await engine.flows.cancel(CONNECTOR, flow.flow_id)
        assert process.returncode == -9


@in_event_loop
async def test_a_program_that_is_not_installed_is_told_at_the_start(tmp_path: Path) -> None:
    method = CommandLogin(("no-such-program",), url_pattern=".", read_tokens=read_tokens)
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        with pytest.raises(ToolMissing, match="no-such-program"):
            await engine.start()


@in_event_loop
async def test_a_program_without_a_prompt_may_be_signed_in_already(tmp_path: Path) -> None:
    method = login("print('token=cached')")
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        assert flow.state == "completed"


KEEPS_ITS_SIGN_IN = """
import os, pathlib, stat, sys
folder = pathlib.Path(os.environ["ACME_CONFIG_DIR"])
assert stat.S_IMODE(folder.stat().st_mode) == 0o700
assert not list(folder.iterdir())
(folder / "hosts").write_text("token=kept")
print("https://acme.test/device", flush=True)
if sys.argv[-1] == "--wait":
    sys.stdin.read()
"""


def read_kept(output: CommandOutput) -> TokenSet:
    assert output.folder
    return TokenSet(SecretStr((output.folder / "hosts").read_text().removeprefix("token=")))


def keeps_its_sign_in(*arguments: str, **fields: object) -> CommandLogin:
    return CommandLogin(
        (sys.executable, "-c", KEEPS_ITS_SIGN_IN, *arguments),
        url_pattern=r"https?://\S+",
        read_tokens=read_kept,
        private_folder="ACME_CONFIG_DIR",
        **fields,
    )


@in_event_loop
async def test_tokens_are_read_from_a_private_folder_that_is_then_deleted(tmp_path: Path) -> None:
    method = keeps_its_sign_in()
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        await engine.reaches(flow, "completed")
        tokens = await engine.connections.get(CONNECTOR)
        assert tokens.access_token.get_secret_value() == "kept"
        await eventually(lambda: list(tmp_path.glob("sign-ins/*")), lambda left: not left)


@in_event_loop
async def test_a_cancelled_program_leaves_no_private_folder(tmp_path: Path) -> None:
    method = keeps_its_sign_in("--wait", takes_input=True)
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        assert list(tmp_path.glob("sign-ins/*/hosts"))
        await engine.flows.cancel(CONNECTOR, flow.flow_id)
        assert not list(tmp_path.glob("sign-ins/*"))


HAS_FLAGS = """
import sys
if "--help" in sys.argv:
    print("USAGE: login [flags]  --plain-file  --new-style", file=sys.stderr)
    raise SystemExit(0)
print("https://acme.test/device token=" + ",".join(sys.argv[1:]))
"""


@in_event_loop
async def test_a_program_gets_the_optional_flags_that_its_help_names(tmp_path: Path) -> None:
    program = tmp_path / "acme"
    program.write_text(f"#!{sys.executable}\n{HAS_FLAGS}")
    program.chmod(0o755)
    method = CommandLogin(
        (str(program), "login", "--web"),
        url_pattern=r"https?://\S+",
        read_tokens=read_tokens,
        optional_flags=("--plain-file", "--plain", "--unknown"),
    )
    async with ConnectorEngine(tmp_path, UserinfoConnector(None, [method])) as engine:
        flow = await engine.start()
        await engine.reaches(flow, "completed")
        tokens = await engine.connections.get(CONNECTOR)
        assert tokens.access_token.get_secret_value() == "login,--web,--plain-file"
