"""What the contract needs to know of a runtime before it can try it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

Ability: TypeAlias = Literal["interrupts", "answers", "keeps_history", "edits_history"]


@dataclass(frozen=True, slots=True)
class RuntimeSubject:
    """A runtime as `RuntimeContract` tries it.

    `environment` and `python_path` are the server's, `plugins` goes into `XO_PLUGINS`.
    `abilities` names the ability classes that the runtime implements: the contract checks what
    is declared, and that what isn't declared is refused or absent on the wire.
    `keeps` are words in the command lines of processes that may outlive a turn (a warm agent).

    `counts_tokens` says whether `done` carries the turn's tokens.

    The rest make prompts, the same for the same arguments. Only `say` is needed; None declares
    that the runtime has no such thing.

    - `say(text)`: the agent answers exactly `text`
    - `nothing()`: it answers without any text
    - `slow_text(seconds)`: first text at once, then more for so many seconds
    - `slow_tool(seconds)`: a tool that takes so long, then some text
    - `tool(name, content)`: it writes `content` to a file called `name`, unasked, then says
      something; the contract sends `permission_presets` that allow it
    - `reasoning()`: it thinks, then says something
    - `permission(name)`: it asks before it writes a file called `name`, says something after
    - `question()`, `plan()`: it asks the user, it shows a plan
    - `fail(code)`: the turn fails so; `failures` maps each code to words of the true error
    - `die()`: the agent ends in the middle of its work after some text
    - `long_line(characters)`: a text of so many `x` in one record of the runtime's protocol
    - `invalid_records()`: broken records in the protocol, the text around them is
      `Before. After.`, or the turn fails
    """

    agent_name: str
    say: Callable[[str], str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    python_path: Sequence[Path] = ()
    plugins: str = "all"
    abilities: frozenset[Ability] = frozenset()
    keeps: Sequence[str] = ()
    counts_tokens: bool = False
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
    die: Callable[[], str] | None = None
    long_line: Callable[[int], str] | None = None
    invalid_records: Callable[[], str] | None = None
