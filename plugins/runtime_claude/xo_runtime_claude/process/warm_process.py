"""One live CLI process of one session: everything that is written to its stdin."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import orjson

from xo_cowork_core.sdk import Process, Turn
from xo_runtime_claude.attachments import append_mentions
from xo_runtime_claude.process.arguments import ProcessBinding
from xo_runtime_claude.usage import UsageMeter

END_SECONDS = 2.0
KILL_SECONDS = 2.0


class WarmProcess:
    """A process with its session and state. Turns use it one after the other.

    `meter` splits the process's running totals by turn. `reports_lifecycle` is true for a CLI that
    reports the start of a prompt.
    """

    def __init__(
        self, process: Process, session_id: str, binding: ProcessBinding, skills: int
    ) -> None:
        self.process = process
        self.session_id = session_id
        self.binding = binding
        self.meter = UsageMeter()
        self.reports_lifecycle = False
        # one iterator for the whole life: a batch that came between turns waits for the next one
        self.lines: AsyncIterator[list[bytes]] = process.batches()
        self._skills = skills
        self._skills_changed = False
        self._mode = ""
        self._model: str | None = None
        self._turns = 0

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    @property
    def had_turns(self) -> bool:
        """Whether a prompt was written to it before."""
        return self._turns > 0

    def note_skills(self, fingerprint: int) -> None:
        """Have the process reload its skills before the next prompt if they changed."""
        self._skills_changed = self._skills_changed or fingerprint != self._skills
        self._skills = fingerprint

    def note_turn_end(self, mode: str, *, reports_lifecycle: bool) -> None:
        """Store the process state that a turn's records report; an empty `mode` reports nothing."""
        self._mode = mode or self._mode
        self.reports_lifecycle = reports_lifecycle

    async def start_turn(self, turn: Turn, prompt_id: str) -> None:
        """Write a turn's prompt, after the control requests that it needs.

        The CLI processes its input in order, so no answer is awaited. Raises
        `AgentFailure` with code `crashed` when the process is gone.
        """
        await self._write(*self._preparations(turn, prompt_id), _user_record(turn, prompt_id))
        self._turns += 1

    async def start_only_turn(self, turn: Turn) -> None:
        """Write the prompt of a cold process, as plain text up to the end of its stdin."""
        await self.process.write(_prompt_text(turn).encode())
        await self.process.close_stdin()

    async def interrupt(self, prompt_id: str) -> None:
        """Request that the CLI stops its turn."""
        await self._write(_control_request(f"stop-{prompt_id}", "interrupt"))

    async def respond(self, response: Mapping[str, Any]) -> None:
        """Answer a control request of the CLI."""
        await self._write(response)

    async def end(self, *, graceful: bool) -> None:
        """End the process and all that it started; `graceful` gives an idle one time to exit."""
        await self.process.stop(
            term_after=END_SECONDS if graceful else 0.0, kill_after=KILL_SECONDS
        )

    def _preparations(self, turn: Turn, prompt_id: str) -> Iterator[Mapping[str, Any]]:
        if not self.had_turns:
            yield _control_request("initialize", "initialize")
        mode = "plan" if turn.mode == "plan" else "default"
        if self._mode != mode:
            yield _control_request(f"mode-{prompt_id}", "set_permission_mode", mode=mode)
            self._mode = mode
        if self._model != turn.model:
            yield _control_request(f"model-{prompt_id}", "set_model", model=turn.model)
            self._model = turn.model
        if self._skills_changed:
            yield _control_request(f"skills-{prompt_id}", "reload_skills")
            self._skills_changed = False

    async def _write(self, *records: Mapping[str, Any]) -> None:
        await self.process.write(b"".join(orjson.dumps(record) + b"\n" for record in records))


def _prompt_text(turn: Turn) -> str:
    """Join the skill's slash command, the text and the mentions of attachments."""
    text = f"/{turn.skill} {turn.text}" if turn.skill else turn.text
    whole = append_mentions(text, [attachment.path for attachment in turn.attachments])
    # a lone surrogate can't be sent as UTF-8, and a malformed line would end the process
    return whole.encode("utf-8", "replace").decode()


def _user_record(turn: Turn, prompt_id: str) -> dict[str, Any]:
    """Wrap a prompt as a `user` record. `prompt_id` becomes the uuid of its row on disk."""
    content = [{"type": "text", "text": _prompt_text(turn)}]
    return {
        "type": "user",
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": None,
        "session_id": "",
        "uuid": prompt_id,
    }


def _control_request(request_id: str, subtype: str, **fields: object) -> dict[str, Any]:
    request = {"subtype": subtype, **fields}
    return {"type": "control_request", "request_id": request_id, "request": request}
