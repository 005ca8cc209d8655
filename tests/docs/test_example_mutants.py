"""Faults of a runtime, each put into the JSON lines example, make a case of the contract fail."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.example_subjects import EXAMPLES, SILENT_SECONDS, install_jsonl, limit_silence
from xo_cowork_core.sdk.testing import Chat, LiveServer, RuntimeContract, RuntimeSubject
from xo_cowork_core.sdk.testing.contract import TurnRecorder, manners, processes
from xo_cowork_core.sdk.testing.contract.cases import contract_environment

SOURCE = limit_silence((EXAMPLES / "jsonl_runtime.py").read_text())


@dataclass(frozen=True)
class Mutant:
    """A change of the example's text, and the name of the case that fails."""

    name: str
    case: str
    old: str
    new: str
    imports: Sequence[str] = ()

    def source(self) -> str:
        """Return the changed text."""
        assert SOURCE.count(self.old) == 1, self.old
        lines = "".join(f"import {module}\n" for module in self.imports)
        changed = SOURCE.replace(self.old, self.new)
        return changed.replace("from pathlib import Path\n", f"{lines}from pathlib import Path\n")


WRITE = 'write note.txt "content"'
START = "        async with self._agents.start(turn, [AGENT]) as agent:"
MUTANTS = (
    Mutant(
        "interrupt_dropped",
        "test_an_interrupt_ends_the_turn_by_itself",
        'await self._agents.send(turn, {"stop": True})',
        "return",
    ),
    Mutant(
        "whole_environment_passed",
        "test_a_variable_of_the_server_does_not_reach_the_agent",
        START,
        "        turn = dataclasses.replace(turn, environment=dict(os.environ))\n" + START,
        imports=("dataclasses", "os"),
    ),
    Mutant(
        "loop_blocked",
        "test_a_turn_does_not_hold_up_the_server",
        "                if row.get",
        "                time.sleep(0.3)\n                if row.get",
        imports=("time",),
    ),
    Mutant(
        "loop_blocked_at_once",
        "test_a_turn_does_not_hold_up_the_server",
        START,
        "        time.sleep(1.5)\n" + START,
        imports=("time",),
    ),
    Mutant(
        "results_dropped",
        "test_a_tool_call_comes_before_its_result",
        '    "result": lambda row: sdk.ToolResult(row["id"], row["tool"], row["output"]),\n',
        "",
    ),
    Mutant(
        "denial_ignored",
        "test_a_denied_tool_does_not_run",
        '"allow": answer.allow',
        '"allow": True',
    ),
    Mutant(
        "silence_unlimited",
        "test_a_silent_agent_is_stopped",
        f"silent_seconds={SILENT_SECONDS}",
        "silent_seconds=3600.0",
    ),
    Mutant(
        "process_leaked",
        "test_no_process_outlives_a_turn",
        START,
        '        subprocess.Popen(["sleep", "600"], start_new_session=True)\n' + START,
        imports=("subprocess",),
    ),
    Mutant(
        "answer_sent_to_the_wrong_session",
        "test_an_answer_reaches_the_turn_that_asked",
        'await self._agents.send(turn, {"id": call_id',
        'await list(self._agents._running.values())[-1].send({"id": call_id',
    ),
    Mutant(
        "call_ids_reused",
        "test_a_call_id_is_used_once_in_a_session",
        'sdk.ToolCall(row["id"]',
        'sdk.ToolCall("call-1"',
    ),
    Mutant(
        "asks_without_the_ability",
        "test_its_abilities_are_those_that_the_subject_declares",
        "class JsonLines(sdk.Runtime, sdk.Interrupts, sdk.Answers):",
        "class JsonLines(sdk.Runtime, sdk.Interrupts):",
    ),
)
Run = Callable[[str, str], None]


@pytest.fixture
def run_case(tmp_path: Path) -> Iterator[Run]:
    """Run one case of the contract against the example with this text."""

    def run(source: str, case: str) -> None:
        subject = install_jsonl(tmp_path, source)
        environment = contract_environment(subject)
        with LiveServer(environment=environment, python_path=subject.python_path) as server:
            chat = Chat(server, subject.agent_name)
            getattr(RuntimeContract(), case)(**_arguments(case, chat, subject))

    yield run


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_is_found(mutant: Mutant, run_case: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # the patience of the cases is for busy machines; a fault does not pass with time
    monkeypatch.setattr(processes, "STOP_SECONDS", 3.0)
    monkeypatch.setattr(processes, "ATTEMPTS", 1)
    monkeypatch.setattr(processes, "SILENT_TURN_SECONDS", 2 * SILENT_SECONDS)
    monkeypatch.setattr(manners, "ATTEMPTS", 1)
    monkeypatch.setattr(manners, "ANSWER_SECONDS", 5.0)
    with pytest.raises(AssertionError):
        run_case(mutant.source(), mutant.case)


@pytest.mark.parametrize("case", sorted({mutant.case for mutant in MUTANTS}))
def test_the_case_passes_without_the_fault(case: str, run_case: Run) -> None:
    run_case(SOURCE, case)


def _arguments(case: str, chat: Chat, subject: RuntimeSubject) -> dict[str, object]:
    """Return the fixtures that a case requests."""
    recorder = TurnRecorder(chat, subject, {})
    fixtures: dict[str, Callable[[], object]] = {
        "chat": lambda: chat,
        "subject": lambda: subject,
        "recorder": lambda: recorder,
        "write_turn": lambda: chat.run_turn(WRITE, permission_presets={"file_changes": True}),
    }
    _, *names = inspect.signature(getattr(RuntimeContract, case)).parameters
    return {name: fixtures[name]() for name in names}
