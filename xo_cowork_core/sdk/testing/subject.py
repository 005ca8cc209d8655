"""Describes a runtime to `RuntimeContract`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

Ability: TypeAlias = Literal["interrupts", "answers", "keeps_history", "edits_history"]
ABILITIES: tuple[Ability, ...] = get_args(Ability)


@dataclass(frozen=True, slots=True)
class RuntimeSubject:
    """One runtime, its abilities, and the prompts that make its agent act.

    `environment` and `python_path` are passed to `LiveServer`, `plugins` is the value of
    `XO_PLUGINS`. `abilities` are those of `interrupts`, `answers`, `keeps_history` and
    `edits_history` that the runtime implements: the contract tests them, and that the others are
    refused or absent on the wire. `lasting_processes` are words in
    the command lines of processes that may outlive a turn (a warm agent). `counts_tokens`: `done`
    has the turn's tokens. `signs_in`: with this `environment` a sign-in gets as far as its prompt,
    without a request that leaves the machine. `idle_seconds`: after so long without a turn a
    session has no process.

    Each remaining field returns a prompt, the same for the same arguments. Only `say` is required;
    None declares that the runtime can't do it.

    - `say(text)`: the agent answers exactly `text`
    - `nothing()`: the agent answers without any text
    - `slow_text(seconds)`: it sends text at once, then more for that many seconds
    - `slow_tool(seconds)`: it runs a tool for that many seconds, then sends text
    - `tool(name, content)`: it writes `content` to a file called `name` without a permission
      request, then sends text; the contract sends `permission_presets` that allow it
    - `reasoning()`: it sends reasoning, then text
    - `permission(name)`: it requests permission to write a file called `name`, then sends text
    - `question()`: it asks the user a question
    - `plan()`: it shows a plan
    - `work(name, seconds)`: it runs a tool that appends to a file called `name` several times a
      second for that many seconds, then sends text; the contract sends presets that allow it
    - `silent()`: it sends nothing and does not end; the runtime's `silent_seconds` are 10 at most
    - `fail(code)`: the turn fails with this code; `failures` maps each code to words of its message
    - `die()`: the agent's process ends during the turn, after some text
    - `long_line(characters)`: a text of that many `x` in one record of the runtime's protocol
    - `invalid_records()`: the protocol has invalid records between `Before. ` and `After.`; the
      turn sends both texts, or fails
    """

    agent_name: str
    say: Callable[[str], str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    python_path: Sequence[Path] = ()
    plugins: str = "all"
    abilities: frozenset[Ability] = frozenset()
    lasting_processes: Sequence[str] = ()
    idle_seconds: float | None = None
    counts_tokens: bool = False
    signs_in: bool = False
    nothing: Callable[[], str] | None = None
    slow_text: Callable[[float], str] | None = None
    slow_tool: Callable[[float], str] | None = None
    tool: Callable[[str, str], str] | None = None
    reasoning: Callable[[], str] | None = None
    permission: Callable[[str], str] | None = None
    question: Callable[[], str] | None = None
    plan: Callable[[], str] | None = None
    fail: Callable[[str], str] | None = None
    failures: Mapping[str, str] = field(default_factory=dict[str, str])
    work: Callable[[str, float], str] | None = None
    silent: Callable[[], str] | None = None
    die: Callable[[], str] | None = None
    long_line: Callable[[int], str] | None = None
    invalid_records: Callable[[], str] | None = None
