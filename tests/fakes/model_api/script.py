"""The directives in a prompt that control fake models and agents.

A prompt holds steps in double brackets; step k answers the k-th model call of the turn, the last
one repeats. A step is one action or several joined by ` && `:

  [[text hello world]]               a chunk a word; n=20 makes 20 chunks, delay=0.1 waits between
  [[exact "as \\u005b is"]]            a JSON string, sent exactly
  [[think hm]]                       thinking
  [[result]]                         the newest tool result as text
  [[recite]]                         the user's texts that the model was sent, without steps
  [[big 5000000]]                    so many `x` in one chunk
  [[firehose 100000]]                so many chunks without a pause
  [[tool Bash {"command": "ls"}]]    a tool call; several in one step run in parallel
  [[error 429]]  [[error 529 times=2]]   an HTTP error; with times= that often for a prompt
  [[cut n=3 some words]]             n chunks, then the connection breaks; times= as above
  [[fail overloaded_error]]          an error event in the middle of the stream; times= as above
  [[silence 30]]  [[slowhead 30]]    nothing after, or before, the head of the answer
  [[garbage]]  [[die]]               malformed records, a SIGKILL: only for fake agents
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

DIRECTIVE = re.compile(r"\[\[(.+?)\]\](?!\])", re.DOTALL)
ACTION_SEPARATOR = re.compile(
    r"\s+&&\s+(?=(?:text|exact|result|recite|think|big|tool|cut|garbage|die)\b)"
)
OPTION = re.compile(r"(n|delay|times)=(\S+)\s*")
LIMITED = frozenset({"error", "cut", "fail"})


@dataclass(frozen=True)
class Action:
    """One action of the model."""

    kind: str
    rest: str = ""
    n: int | None = None
    delay: float = 0.0
    times: int | None = None

    @property
    def number(self) -> float:
        return float(self.rest.split()[0])

    @property
    def tool(self) -> tuple[str, dict]:
        name, _, arguments = self.rest.partition(" ")
        return name, json.loads(arguments.strip() or "{}")

    @property
    def chunks(self) -> list[str]:
        """The text, chunk by chunk."""
        if self.kind == "big":
            return ["x" * int(self.number)]
        if self.kind == "firehose":
            return [f"w{number % 1000:03} " for number in range(int(self.number))]
        text = json.loads(self.rest) if self.kind == "exact" else self.rest
        words = re.findall(r"\s*\S+\s*", text) or [text or "lorem ipsum "]
        if self.n is None:
            return words
        return [words[number % len(words)].rstrip() + " " for number in range(self.n)]


DEFAULT = (Action("text", "Hello from the fake."),)


@dataclass
class Budget:
    """Counts how often limited actions were performed, by prompt, for one run of the fake."""

    spent: dict[tuple[str, int], int] = field(default_factory=dict)

    def take(self, key: tuple[str, int], times: int) -> bool:
        used = self.spent.get(key, 0)
        self.spent[key] = used + 1
        return used < times


def has_steps(text: str) -> bool:
    return bool(DIRECTIVE.search(text))


def step_at(text: str, place: int, budget: Budget) -> Sequence[Action]:
    """Return the actions that answer the model call number `place` of a turn."""
    steps = [parse_step(match) for match in DIRECTIVE.findall(text)]
    limited = [index for index, actions in enumerate(steps) if actions[0].times is not None]
    for index in limited:
        if index <= place and budget.take((text, index), steps[index][0].times or 0):
            return steps[index]
    rest = [actions for index, actions in enumerate(steps) if index not in limited] or [DEFAULT]
    return rest[min(place, len(rest) - 1)]


def with_texts(
    actions: Sequence[Action], tool_output: str, prompts: Sequence[str]
) -> Sequence[Action]:
    """Put the newest tool result, or the user's texts, where an action asks for them."""
    bare = [DIRECTIVE.sub("", prompt).strip() for prompt in prompts if has_steps(prompt)]
    texts = {"result": tool_output or "nothing", "recite": " | ".join(bare)}
    return tuple(
        Action("exact", json.dumps(texts[action.kind])) if action.kind in texts else action
        for action in actions
    )


def parse_step(directive: str) -> Sequence[Action]:
    return tuple(_perform(piece) for piece in ACTION_SEPARATOR.split(directive.strip()))


def _perform(piece: str) -> Action:
    kind, _, rest = piece.partition(" ")
    options: dict[str, str] = {}
    while match := OPTION.match(rest):
        options[match.group(1)] = match.group(2)
        rest = rest[match.end() :]
    if kind in LIMITED and "times" not in options:
        # `[[error 429 times=2]]`: the option may follow the word
        word, _, tail = rest.partition(" ")
        if match := OPTION.match(tail):
            options[match.group(1)], rest = match.group(2), word
    return Action(
        kind,
        rest.strip() if kind != "text" else rest,
        n=int(options["n"]) if "n" in options else None,
        delay=float(options.get("delay", 0)),
        times=int(options["times"]) if "times" in options else None,
    )
