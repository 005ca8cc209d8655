"""Turns as `codex exec` processes, one for each turn, for when no app-server can be used.

`codex exec` cannot request permissions, so a sandbox refuses what is not allowed. It reports
whole messages only.
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
from xo_cowork_core.sdk.kit import TurnDeadline, parse_message
from xo_runtime_codex.options import SWITCHED_OFF, Options, effort_of, environment_of
from xo_runtime_codex.program import find_program
from xo_runtime_codex.protocol import failures
from xo_runtime_codex.protocol.attachments import images
from xo_runtime_codex.protocol.item_shapes import server_shape
from xo_runtime_codex.protocol.mcp_servers import exec_arguments, exec_environment
from xo_runtime_codex.protocol.parameters import prompt_text
from xo_runtime_codex.protocol.tools import todo_tool
from xo_runtime_codex.protocol.usage import tokens_of
from xo_runtime_codex.run.translator import Translator
from xo_runtime_codex.server.thread_queue import Record

OPEN_SECONDS = 8.0
KILL_SECONDS = 2.0
EXEC_TURN_ID = "once"


class ExecRunner:
    """Starts `codex exec`. A process that opened a session waits until `run` takes it."""

    def __init__(self, context: HostContext, options: Options) -> None:
        self._context = context
        self._options = options
        self._opened: dict[str, ExecRun] = {}

    def holds(self, turn: Turn) -> bool:
        """Return whether `open` has started the process of this turn."""
        return turn.stream_id in self._opened

    async def open(self, turn: Turn) -> str:
        """Start the turn's process and return the id of its session."""
        run = await self._start(turn, resume=False)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                thread_id = await run.thread_id()
        except BaseException:
            await run.end()
            raise
        self._opened = {key: opened for key, opened in self._opened.items() if opened.alive}
        self._opened[turn.stream_id] = run
        return thread_id

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        """Run a turn. Raises `AgentFailure`."""
        run = self._opened.pop(turn.stream_id, None) or await self._start(turn, resume=True)
        try:
            async for event in run.events():
                yield event
        finally:
            await run.end()

    async def _start(self, turn: Turn, *, resume: bool) -> "ExecRun":
        binary = await asyncio.to_thread(find_program, self._context, self._options)
        if binary is None:
            raise failures.missing()
        environment = environment_of(turn.environment, self._options)
        environment |= exec_environment(turn.mcp_servers)
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
    """One `codex exec` process and its records."""

    def __init__(self, process: Process, turn: Turn, options: Options, *, resumed: bool) -> None:
        self._process = process
        self._turn = turn
        self._deadline = TurnDeadline("Codex", options.limits)
        self._resumed = resumed
        self._lines = process.batches()
        self._before_start: list[Record] = []
        self._unread_lines: deque[bytes] = deque()
        self._translator = Translator()
        self._translator.turn_id = EXEC_TURN_ID
        self._error = ""
        self._tokens: Tokens | None = None

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def thread_id(self) -> str:
        """Read records up to the one that names the session."""
        async for record in self._records():
            if record.get("type") == "thread.started":
                return str(record.get("thread_id"))
            self._before_start.append(record)
        raise failures.process_failure(self._process.returncode, self._process.stderr_tail)

    async def events(self) -> AsyncIterator[Event]:
        """Translate the records. Raises `AgentFailure`."""
        for record in self._before_start:
            for event in self._events_of(record):
                yield event
        async for record in self._records():
            if record.get("type") == "thread.started":
                self._check(str(record.get("thread_id")))
            elif record.get("type") == "turn.failed":
                raise failures.turn_failure(record.get("error"))
            elif record.get("type") == "turn.completed":
                # after a resume, the usage is the total of the session
                tokens = None if self._resumed else tokens_of(record.get("usage"))
                yield Done("stop", tokens, None, self._turn.model)
                return
            for event in self._events_of(record):
                yield event
        if self._error:
            raise failures.turn_failure({"message": self._error})
        returncode = await self._process.wait(1.0)
        raise failures.process_failure(returncode, self._process.stderr_tail)

    async def end(self) -> None:
        """End the process and its descendants."""
        await self._process.stop(kill_after=KILL_SECONDS)

    async def _records(self) -> AsyncIterator[Record]:
        # `thread_id` and `events` read in turn: keep the unread lines of a batch
        while True:
            while self._unread_lines:
                record = parse_message(self._unread_lines.popleft())
                if record:
                    self._note_retry(record)
                    yield record
            tools = self._translator.tools_running
            wake_time = self._deadline.at(is_retrying=bool(self._error), tools_running=tools)
            try:
                async with asyncio.timeout_at(wake_time):
                    lines = await anext(self._lines, None)
            except TimeoutError:
                raise self._deadline.failure(self._error or None) from None
            if lines is None:
                return
            self._unread_lines.extend(lines)

    def _note_retry(self, record: Record) -> None:
        if record.get("type") == "error":  # not final: Codex retries
            self._error = str(record.get("message") or "Codex retries")
        else:
            self._error = ""
            self._deadline.note_progress()

    def _check(self, thread_id: str) -> None:
        # Codex starts another session when it does not know the id
        if self._resumed and thread_id != self._turn.session_id:
            raise AgentFailure("Codex no longer has this session", code="bad_request")

    def _events_of(self, record: Record) -> list[Event]:
        item, kind = record.get("item"), str(record.get("type"))
        if not isinstance(item, dict):
            return []
        # item ids restart in each process
        shaped = server_shape({**item, "id": f"{self._turn.stream_id[:8]}-{item.get('id')}"})
        if shaped["type"] == "error":
            return []
        if shaped["type"] == "todoList":
            return _todo(shaped) if kind == "item.completed" else []
        method = "item/started" if kind == "item.started" else "item/completed"
        notification = {"method": method, "params": {"turnId": EXEC_TURN_ID, "item": shaped}}
        items = self._translator.items([notification])
        return [item for item in items if isinstance(item, Event)]


def arguments(turn: Turn, *, resume: bool) -> list[str]:
    """Return the command line; the prompt comes through stdin (`-`)."""
    sandbox = "read-only"
    if turn.permissions.file_changes == "allow":
        sandbox = "workspace-write"
        if turn.permissions.run_commands == "allow":
            sandbox = "danger-full-access"
    result = ["exec", *(["resume"] if resume else []), "--json", "--skip-git-repo-check"]
    result += ["-c", f"sandbox_mode={sandbox}", "-c", "approval_policy=never", *SWITCHED_OFF]
    effort = effort_of(turn)
    result += ["-c", f"model_reasoning_effort={effort}"] if effort else []
    result += ["-c", f"model_provider={turn.provider_id}"] if turn.provider_id else []
    result += ["-m", turn.model] if turn.model else []
    result += exec_arguments(turn.mcp_servers)
    for image in images(turn):
        result += ["-i", image["path"]]
    return [*result, "--", *([turn.session_id] if resume else []), "-"]


def _with_key(environment: dict[str, SecretStr | str]) -> dict[str, SecretStr | str]:
    """Set CODEX_API_KEY, the only key that `codex exec` reads."""
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
