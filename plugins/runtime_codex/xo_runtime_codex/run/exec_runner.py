"""One process a turn, `codex exec`, for when there is no usable app-server.

It can't ask, so what isn't allowed is refused by a sandbox; words come as whole messages.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

from pydantic import SecretStr

from xo_cowork_core.sdk import (
    AgentFailure,
    Done,
    Event,
    HostContext,
    Process,
    Tokens,
    Turn,
)
from xo_runtime_codex.options import SWITCHED_OFF, Options, effort_of, environment_of
from xo_runtime_codex.protocol import failures
from xo_runtime_codex.protocol.attachments import images
from xo_runtime_codex.protocol.item_shapes import server_shape
from xo_runtime_codex.protocol.parameters import prompt_text
from xo_runtime_codex.protocol.tools import todo_tool
from xo_runtime_codex.protocol.usage import tokens_of
from xo_runtime_codex.run.translator import Translator
from xo_runtime_codex.run.turn_deadline import TurnDeadline
from xo_runtime_codex.server.json_rpc import parse
from xo_runtime_codex.server.thread_queue import Record

OPEN_SECONDS = 8.0
KILL_SECONDS = 2.0
ONCE = "once"


class ExecRunner:
    """The one-shot processes. One that opened a session waits for its turn to be run."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._options = options
        self._begun: dict[str, ExecRun] = {}

    def holds(self, turn: Turn) -> bool:
        """Say whether this turn's process was started to open its session."""
        return turn.stream_id in self._begun

    async def open(self, turn: Turn) -> str:
        """Start the turn, to learn the id of its session."""
        shot = await self._start(turn, resume=False)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                thread_id = await shot.thread_id()
        except BaseException:
            await shot.end()
            raise
        self._begun = {key: old for key, old in self._begun.items() if old.alive}
        self._begun[turn.stream_id] = shot
        return thread_id

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """Run a turn."""
        shot = self._begun.pop(turn.stream_id, None) or await self._start(turn, resume=True)
        try:
            async for event in shot.events():
                yield event
        finally:
            await shot.end()

    async def _start(self, turn: Turn, *, resume: bool) -> "ExecRun":
        binary = await asyncio.to_thread(self._context.paths.binary, "codex", self._options.binary)
        if binary is None:
            raise failures.missing()
        environment = environment_of(turn.environment, self._options)
        process = await self._context.processes.spawn(
            [str(binary), *arguments(turn, resume=resume)],
            cwd=turn.cwd,
            environment=_with_key(environment),
            owner=turn.stream_id,
        )
        await process.write(prompt_text(turn).encode())
        await process.close_stdin()
        return ExecRun(process, turn, self._options, resumed=resume)


class ExecRun:
    """One process and its records."""

    def __init__(self, process: Process, turn: Turn, options: Options, *, resumed: bool) -> None:
        self._process = process
        self._turn = turn
        self._patience = TurnDeadline(options)
        self._resumed = resumed
        self._lines = process.batches()
        self._early: list[Record] = []
        self._unread: deque[bytes] = deque()
        self._translator = Translator()
        self._translator.turn_id = ONCE
        self._error = ""
        self._tokens: Tokens | None = None

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def thread_id(self) -> str:
        """Read until the session is named."""
        async for record in self._records():
            if record.get("type") == "thread.started":
                return str(record.get("thread_id"))
            self._early.append(record)
        raise failures.process_failure(self._process.returncode, self._process.stderr_tail)

    async def events(self) -> AsyncIterator[Event]:
        """Translate the records. Raises `AgentFailure`."""
        for record in self._early:
            for event in self._translated(record):
                yield event
        async for record in self._records():
            if record.get("type") == "thread.started":
                self._check(str(record.get("thread_id")))
            elif record.get("type") == "turn.failed":
                raise failures.turn_failure(record.get("error"))
            elif record.get("type") == "turn.completed":
                # a resumed session's figures are the session's, not the turn's
                used = None if self._resumed else tokens_of(record.get("usage"))
                yield Done("stop", used, None, self._turn.model)
                return
            for event in self._translated(record):
                yield event
        if self._error:
            raise failures.turn_failure({"message": self._error})
        returncode = await self._process.wait(1.0)
        raise failures.process_failure(returncode, self._process.stderr_tail)

    async def end(self) -> None:
        """End the process and all that it started."""
        await self._process.stop(kill_after=KILL_SECONDS)

    async def _records(self) -> AsyncIterator[Record]:
        # whoever stops reading here may go on later: what came in one batch is kept
        while True:
            while self._unread:
                record = parse(self._unread.popleft())
                if record:
                    self._note(record)
                    yield record
            tools = self._translator.tools_running
            until = self._patience.deadline(retrying=self._error, tools_running=tools)
            try:
                async with asyncio.timeout_at(until):
                    lines = await anext(self._lines, None)
            except TimeoutError:
                raise self._patience.late(self._error) from None
            if lines is None:
                return
            self._unread.extend(lines)

    def _note(self, record: Record) -> None:
        if record.get("type") == "error":  # not the last word: it tries again
            self._error = str(record.get("message") or "Codex tries again")
        else:
            self._error = ""
            self._patience.heard()

    def _check(self, thread_id: str) -> None:
        # an id that Codex doesn't know as one silently starts another session
        if self._resumed and thread_id != self._turn.session_id:
            raise AgentFailure("Codex no longer has this session", code="bad_request")

    def _translated(self, record: Record) -> list[Event]:
        item, kind = record.get("item"), str(record.get("type"))
        if not isinstance(item, dict):
            return []
        # ids start anew in each process
        shaped = server_shape({**item, "id": f"{self._turn.stream_id[:8]}-{item.get('id')}"})
        if shaped["type"] == "error":
            return []
        if shaped["type"] == "todoList":
            return _todo(shaped) if kind == "item.completed" else []
        method = "item/started" if kind == "item.started" else "item/completed"
        told = {"method": method, "params": {"turnId": ONCE, "item": shaped}}
        found = self._translator.items([told])
        return [event for event in found if isinstance(event, Event)]


def arguments(turn: Turn, *, resume: bool) -> list[str]:
    """Arguments of a one-shot; the prompt comes through stdin, which `-` stands for."""
    sandbox = "read-only"
    if turn.permissions.file_changes == "allow":
        sandbox = "workspace-write"
        if turn.permissions.run_commands == "allow":
            sandbox = "danger-full-access"
    given = ["exec", *(["resume"] if resume else []), "--json", "--skip-git-repo-check"]
    given += ["-c", f"sandbox_mode={sandbox}", "-c", "approval_policy=never", *SWITCHED_OFF]
    effort = effort_of(turn)
    given += ["-c", f"model_reasoning_effort={effort}"] if effort else []
    given += ["-c", f"model_provider={turn.provider_id}"] if turn.provider_id else []
    given += ["-m", turn.model] if turn.model else []
    for image in images(turn):
        given += ["-i", image["path"]]
    return [*given, "--", *([turn.session_id] if resume else []), "-"]


def _with_key(environment: dict[str, SecretStr | str]) -> dict[str, SecretStr | str]:
    """`exec` reads a key from CODEX_API_KEY alone."""
    key = environment.get("CODEX_API_KEY") or environment.get("OPENAI_API_KEY")
    return {**environment, **({"CODEX_API_KEY": key} if key else {})}


def _todo(item: Record) -> list[Event]:
    rows = item.get("items")
    plan = [
        {"step": row.get("text"), "status": "completed" if row.get("completed") else "pending"}
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]
    tool = todo_tool(str(item.get("id")), plan)
    return [tool.call, tool.end]
