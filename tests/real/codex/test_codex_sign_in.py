"""The real Codex signs in through its device flow, against an issuer on the loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.codex_cli.codex_prompts import ABSENT, real_codex
from tests.fakes.device_issuer import ACCESS_TOKEN_MARK, EMAIL, REFRESH_TOKEN, DeviceIssuer
from xo_cowork_core.sdk.testing import LiveServer, eventually

pytestmark = pytest.mark.real
# an app-server of another version, which does not know the method
WITHOUT_LOGIN = """\
#!/bin/sh
for word in "$@"; do
    if [ "$word" = app-server ]; then echo "error: unrecognized subcommand" >&2; exit 2; fi
done
exec {codex} "$@"
"""


@pytest.fixture
def issuer() -> Iterator[DeviceIssuer]:
    with DeviceIssuer() as issuer:
        yield issuer


def settings(issuer: DeviceIssuer, folder: Path, interface: str) -> dict[str, str]:
    """Return the environment of a server whose Codex has only this way to sign in."""
    program = real_codex()
    if program is None:
        pytest.skip(ABSENT)
    if interface == "command":
        script = WITHOUT_LOGIN.format(codex=program)
        program = folder / "codex"
        program.write_text(script)
        program.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    # what it asks besides the issuer stays on this machine, too
    (home / "config.toml").write_text(f'chatgpt_base_url = "{issuer.url}/backend-api"\n')
    return {
        "XO_PLUGINS": "runtime_codex",
        "CODEX_CLI_PATH": str(program),
        "CODEX_HOME": str(home),
        "CODEX_LOGIN_ISSUER": issuer.url,
    }


@pytest.mark.parametrize("interface", ["app_server", "command"])
def test_codex_signs_in_with_a_device_code(
    issuer: DeviceIssuer, tmp_path: Path, interface: str
) -> None:
    environment = settings(issuer, tmp_path, interface)
    home = Path(environment["CODEX_HOME"])
    with LiveServer(environment=environment) as server:
        http = server.client
        assert http.get("/api/codex/status").json()["authenticated"] is False
        answer = http.post("/codex/setup", headers={"accept": "application/json"}, timeout=60)
        assert answer.status_code == 202, answer.text
        setup = answer.json()
        assert setup["user_code"] == "ABCD-00001"
        assert setup["verification_uri"] == f"{issuer.url}/codex/device"
        path = f"/codex/setup/{setup['session_id']}"
        issuer.answer = "approve"
        eventually(lambda: http.get(path).json()["status"] != "pending", 60, "it has ended")
        assert http.get(path).json()["status"] == "approved", server.log
        status = http.get("/api/codex/status").json()
        assert (status["authenticated"], status["email"]) == (True, EMAIL)
        assert http.get("/api/runtimes/codex/sign-in").json()["signed_in"] is True
        agents = http.get("/api/agents").json()["agents"]
        assert [agent["id"] for agent in agents] == ["codex-default"]
        stored = json.loads((home / "auth.json").read_text())
        assert stored["tokens"]["refresh_token"] == REFRESH_TOKEN
        assert (home / "auth.json").stat().st_mode & 0o777 == 0o600
        eventually(lambda: not server.descendants(), 15, "no process is left")
        used_command = "signing in by the command line" in server.log
        assert used_command == (interface == "command")
        assert REFRESH_TOKEN not in server.log
        assert ACCESS_TOKEN_MARK not in server.log
    assert any(request.endswith("/deviceauth/token") for request in issuer.requests)
