"""Row group `abort`: time from an abort to the end of the turn, and processes that survive it."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.measuring.plan import Plan
from bench.measuring.rows import Row, Target
from bench.measuring.server import ROOT
from bench.measuring.wire import Address, Prompter, connect, encode_get, stream_path
from tests.fakes.claude_cli import claude_prompts
from tests.fakes.codex_cli import codex_prompts
from tests.fakes.openclaw_gateway import openclaw_prompts
from xo_cowork_core.sdk.testing import LiveServer, descendants

CLAUDE = ROOT / ".toolchain" / "bin" / "claude"
TEXT = "[[text n=600 delay=0.1 slow]]"
IN_TEXT, IN_TOOL = Target(500), Target(2000)
RECEIVE_BYTES = 1 << 16
GONE_SECONDS = 5.0
START_SECONDS = 60.0
POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Subject:
    """A running server with one real agent behind it. `roots` are the processes below which the
    agent's work is done; `tool` is a prompt for a command that waits so many seconds."""

    address: Address
    agent_name: str
    roots: Sequence[int]
    tool: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class AbortResult:
    """Seconds to the terminal event and from there to the last exit; `wrong` names leftovers."""

    ended: float
    gone: float
    wrong: str


def measure(plan: Plan) -> Iterator[Row]:
    """Abort real agents in the middle of a text, and in a command that sleeps."""
    for agent_name, opened in AGENTS.items():
        with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as subject:
            for kind, target in (("text", IN_TEXT), ("a tool", IN_TOOL)):
                name = f"abort: {agent_name}, in {kind}"
                if subject is None:
                    yield Row(name, "ms", target=target, note="no real CLI here: `make toolchain`")
                    continue
                yield _row(name, target, list(_aborts(subject, kind, plan.pick(7, 3))))


def _row(name: str, target: Target, aborts: Sequence[AbortResult]) -> Row:
    wrong = next((each.wrong for each in aborts if each.wrong), "")
    slowest, gone = (1e3 * max(t) for t in zip(*((a.ended, a.gone) for a in aborts), strict=True))
    note = f"{len(aborts)} aborts, slowest {slowest:.0f} ms, all gone {gone:.0f} ms after the end"
    value = 1e3 * median([each.ended for each in aborts])
    return Row(name, "ms", value, target, exact=not wrong, note=wrong or note)


def _aborts(subject: Subject, kind: str, count: int) -> Iterator[AbortResult]:
    """Abort turns of one session; the first, for which the agent has to start, is left out."""
    session: str | None = None
    for number in range(count + 1):
        seconds = f"{3000 + number}.25" if kind == "a tool" else ""
        session, aborted = _abort(subject, session, seconds)
        if number:
            yield aborted


def _abort(subject: Subject, session: str | None, seconds: str) -> tuple[str, AbortResult]:
    before = _alive(subject.roots)
    prompter = Prompter(subject.address, subject.agent_name)
    with connect(subject.address) as stream:
        started = prompter.prompt(subject.tool(seconds) if seconds else TEXT, session)
        stream.sendall(encode_get(subject.address, stream_path(started.stream_id)))
        seen = _until(b"event: tool-call" if seconds else b"event: text-delta", stream.recv, b"")
        if seconds:
            _wait(lambda: bool(_named(seconds)), START_SECONDS)
        begun = time.perf_counter()
        aborter = Prompter(subject.address, subject.agent_name)
        aborter.post("/api/chat/abort", {"stream_id": started.stream_id})
        seen = _until(b"event: done", stream.recv, seen)
        ended = time.perf_counter() - begun
        seen = _until(b"\n\n", stream.recv, seen[seen.index(b"event: done") :])
    ever = before if session else _alive(subject.roots)
    clean = _wait(lambda: not _named(seconds) and _alive(subject.roots) <= ever, GONE_SECONDS)
    gone = time.perf_counter() - begun - ended
    aborter.close()
    prompter.close()
    wrong = "" if clean else f"alive: {_left(subject.roots, ever, seconds)}"
    if b'"finish_reason":"aborted"' not in seen:
        wrong = f"ended otherwise: {seen[:120]!r}"
    return started.session_id, AbortResult(ended, gone, wrong)


def _alive(roots: Sequence[int]) -> set[int]:
    return {process.pid for root in roots for process in descendants(root)}


def _named(seconds: str) -> list[int]:
    """Find the command that sleeps so long, wherever it has got to."""
    return [
        process.pid
        for process in descendants(0)
        if seconds and f"sleep {seconds}" in process.command
    ]


def _left(roots: Sequence[int], ever: set[int], seconds: str) -> str:
    alive = [process for root in roots for process in descendants(root) if process.pid not in ever]
    return ", ".join(process.command[:60] for process in alive) or f"sleep {seconds}"


def _until(mark: bytes, receive: Callable[[int], bytes], seen: bytes) -> bytes:
    while mark not in seen:
        received = receive(RECEIVE_BYTES)
        if not received:
            raise RuntimeError(f"the stream ended without {mark!r}: {seen[-200:]!r}")
        seen += received
    return seen


def _wait(holds: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(POLL_SECONDS)
    return True


@contextmanager
def _served(
    values: Mapping[str, str], agent_name: str, tool: Callable[[str], str], *roots: int
) -> Iterator[Subject]:
    values = {"XO_PERMISSION_MODE": "bypass", **values}
    with LiveServer(environment=values, fresh=True) as server:
        yield Subject(Address.of(server.base_url), agent_name, (server.pid, *roots), tool)


@contextmanager
def _claude(folder: Path) -> Iterator[Subject | None]:
    if not CLAUDE.exists():
        yield None
        return
    with claude_prompts.model_api() as port:
        values = claude_prompts.environment(CLAUDE.resolve(), port, folder)
        values["XO_PLUGINS"] = "runtime_claude"
        with _served(values, "claude_code", _claude_tool) as subject:
            yield subject


def _claude_tool(seconds: str) -> str:
    # the real one refuses a bare `sleep`
    line = f"python3 -c \"import os; os.system('sleep {seconds}')\""
    return f"{claude_prompts.tool('Bash', command=line)} [[text slept]]"


@contextmanager
def _codex(folder: Path) -> Iterator[Subject | None]:
    binary = codex_prompts.real_codex()
    if binary is None:
        yield None
        return
    with codex_prompts.responses_api() as port:
        values = codex_prompts.environment(binary, port, folder)
        values["XO_PLUGINS"] = "runtime_codex"
        with _served(values, "codex", _codex_tool) as subject:
            yield subject


def _codex_tool(seconds: str) -> str:
    return f"{codex_prompts.command(f'sleep {seconds}')} [[text slept]]"


@contextmanager
def _openclaw(folder: Path) -> Iterator[Subject | None]:
    binary = openclaw_prompts.real_binary()
    if binary is None:
        yield None
        return
    with (
        openclaw_prompts.chat_model() as port,
        openclaw_prompts.gateway(binary, folder, port) as running,
    ):
        values = openclaw_prompts.environment(running.url) | {"XO_PLUGINS": "runtime_openclaw"}
        assert running.process
        with _served(values, "openclaw", _openclaw_tool, running.process.pid) as subject:
            yield subject


def _openclaw_tool(seconds: str) -> str:
    return f"{openclaw_prompts.tool('exec', command=f'sleep {seconds}')} [[text slept]]"


AGENTS: Mapping[str, Callable[[Path], AbstractContextManager[Subject | None]]] = {
    "claude_code": _claude,
    "codex": _codex,
    "openclaw": _openclaw,
}
