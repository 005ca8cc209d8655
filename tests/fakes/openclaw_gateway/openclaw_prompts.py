"""OpenClaw as a subject of the runtime contract: the real gateway and the fake."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.fakes.models import fake_model_api, working
from xo_cowork_core.sdk.testing import Chat, RuntimeSubject
from xo_cowork_core.sdk.testing.ports import free_port

FAKES = Path(__file__).resolve().parent.parent
TOOLCHAIN = FAKES.parents[1] / ".toolchain" / "bin"
TOKEN = "fake-token"
START_SECONDS = 120.0
STOP_SECONDS = 20.0
REFUSAL_POLL_SECONDS = 0.5
SILENT_SECONDS = "10"
LONG_SECONDS = "30"
MODEL = "fake/model-1"
QUIET = {
    "OPENCLAW_SKIP_CHANNELS": "1",
    "OPENCLAW_DISABLE_BONJOUR": "1",
    "OPENCLAW_NO_RESPAWN": "1",
    "OPENCLAW_NO_AUTO_UPDATE": "1",
    "OPENCLAW_OFFLINE": "1",
}
STATUS = {"rate_limit": 429, "upstream": 500, "bad_request": 400, "overloaded": 529}


@dataclass
class GatewayProcess:
    """One gateway with a home of its own."""

    binary: Path
    home: Path
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def real(self) -> bool:
        return self.binary.is_relative_to(TOOLCHAIN)

    def start(self, *, wait: bool = True) -> None:
        """Start it and wait until it takes turns."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary), "gateway", "run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.variables(),
                cwd=self.home,
                start_new_session=True,
            )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait for `/readyz`."""
        until = time.monotonic() + START_SECONDS
        while not self._ready():
            assert self.process and self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)

    def warm_up(self) -> None:
        """Let it run one turn: the first one of a fresh gateway takes many seconds."""
        body = {"model": "openclaw/main", "messages": [{"role": "user", "content": "Good day"}]}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/chat/completions",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            assert answer.status == 200

    def variables(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.binary.parent), os.environ["PATH"]])
        return {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", **QUIET, **self.more}

    def kill(self) -> None:
        """Send SIGKILL to its process group."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """Send SIGTERM, then SIGKILL."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/readyz", timeout=2
            ) as answer:
                return bool(json.load(answer)["ready"])
        except (OSError, ValueError, KeyError):
            return False


def real_binary() -> Path | None:
    """Find the real OpenClaw of the toolchain."""
    found = TOOLCHAIN / "openclaw"
    return found if found.exists() else None


def fake_openclaw(folder: Path) -> Path:
    """Make an `openclaw` in `folder` that runs the fake with this Python."""
    binary = folder / "openclaw"
    server = FAKES / "openclaw_gateway" / "server.py"
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{server}" "$@"\n')
    binary.chmod(0o755)
    return binary


def chat_model(log: Path | None = None) -> AbstractContextManager[int]:
    """Run the fake model API and give its port."""
    return fake_model_api("chat_completions", log)


def config(port: int, model_port: int, condition: str = "") -> dict[str, object]:
    """The smallest configuration with a model on the loopback, and one whose key is refused."""
    row = {"id": "model-1", "name": "Model One", "contextWindow": 9_000_000, "maxTokens": 8192}
    provider = {
        "baseUrl": f"http://127.0.0.1:{model_port}/v1",
        "apiKey": "fake-key",
        "api": "openai-completions",
        "models": [row, {**row, "id": "model-2", "name": "Model Two"}],
    }
    return {
        "gateway": {
            "mode": "local",
            "bind": "loopback",
            "port": port,
            "auth": {"mode": "token", "token": TOKEN},
            **({"condition": condition} if condition else {}),
            # a fresh home would get a copy of its pages, which takes 3 s of CPU
            "controlUi": {"enabled": False},
            "http": {"endpoints": {"chatCompletions": {"enabled": True}}},
        },
        "plugins": {"enabled": False},
        # its plan of what to remove is made by threads that take 2 s of CPU to start
        "session": {"maintenance": {"mode": "warn"}},
        "models": {"providers": {"fake": provider, "refused": {**provider, "apiKey": "bad"}}},
        "agents": {"defaults": {"model": {"primary": MODEL}, "skipBootstrap": True}},
    }


@contextmanager
def gateway(
    binary: Path, folder: Path, model_port: int, condition: str = ""
) -> Iterator[GatewayProcess]:
    """Run a gateway in a home of its own below `folder`; `condition` is for the fake alone."""
    port, home = free_port(), folder / "openclaw-home"
    settings = home / ".openclaw"
    settings.mkdir(parents=True)
    (settings / "openclaw.json").write_text(json.dumps(config(port, model_port, condition)))
    running = GatewayProcess(binary, home, port, folder / "gateway.log")
    try:
        running.start()
        running.warm_up()
        yield running
    finally:
        running.stop()
        shutil.rmtree(home, ignore_errors=True)


def environment(url: str, token: str = TOKEN) -> dict[str, str]:
    """Return the settings of a server that uses this gateway."""
    return {
        "OPENCLAW_GATEWAY_URL": url,
        "OPENCLAW_GATEWAY_TOKEN": token,
        "OPENCLAW_TIMEOUT": SILENT_SECONDS,
        "XO_PERMISSION_MODE": "bypass",
    }


def say(text: str) -> str:
    """Return a directive that makes the agent answer exactly this text."""
    return f"[[exact {json.dumps(text).replace(']', chr(92) + 'u005d')}]]"


def first_refusal(chat: Chat) -> httpx.Response:
    """Send prompts until one is refused, and return that response.

    Each that is accepted is a turn, which takes the real gateway half a second of CPU.
    """
    until = time.monotonic() + START_SECONDS
    # the same words again would count as one prompt sent twice
    numbers = itertools.count()
    while (answer := chat.send(say(f"Now {next(numbers)}?"))).is_success:
        assert time.monotonic() < until, "no prompt was refused"
        time.sleep(REFUSAL_POLL_SECONDS)
    return answer


def tool(name: str, **arguments: object) -> str:
    """Return a directive that makes the agent call a tool."""
    return f"[[tool {name} {json.dumps(arguments)}]]"


def openclaw_subject(running: GatewayProcess) -> RuntimeSubject:
    """Describe what a prompt can make OpenClaw do."""
    return RuntimeSubject(
        agent_name="openclaw",
        plugins="runtime_openclaw",
        # five megabytes in one piece take the real gateway fifteen seconds
        environment=environment(running.url) | {"OPENCLAW_TIMEOUT": LONG_SECONDS},
        abilities=frozenset({"interrupts", "answers", "keeps_history"}),
        counts_tokens=True,
        say=say,
        slow_text=lambda seconds: f"[[text n={int(seconds * 10)} delay=0.1 slow]]",
        slow_tool=lambda seconds: f"{tool('exec', command=f'sleep {seconds}')} [[text slept]]",
        work=lambda name, seconds: f"{tool('exec', command=working(name, seconds))} [[text ok]]",
        tool=lambda name, content: f"{tool('write', path=name, content=content)} [[text ok]]",
        fail=lambda code: f"[[error {STATUS[code]}]]",
        # the gateway's wording; it retries the other errors for longer than a case lasts
        failures={"bad_request": "400" if not running.real else "rejected the request"},
        long_line=lambda characters: f"[[big {characters}]]",
        invalid_records=None if running.real else _garbage,
    )


def _garbage() -> str:
    return f"{say('Before. ')[:-2]} && garbage && {say('After.')[2:]}"
