"""The stage directions that a prompt carries, for stand-ins of a model and of an agent.

A prompt holds steps in double brackets; step k answers the k-th model call of the turn, the last
one repeats. A step is one act or several joined by ` && `:

  [[text hello world]]               a chunk a word; n=20 makes 20 chunks, delay=0.1 waits between
  [[exact "as \\u005b is"]]            a JSON string, given to the letter
  [[think hm]]                       thinking
  [[heard]]                          the newest tool result, said aloud
  [[recite]]                         the user's texts as the model knows them, without steps
  [[big 5000000]]                    so many `x` in one chunk
  [[firehose 100000]]                so many chunks as fast as can be
  [[tool Bash {"command": "ls"}]]    a tool call; several in one step run in parallel
  [[error 429]]  [[error 529 times=2]]   an HTTP error; with times= only so often for this prompt
  [[cut n=3 some words]]             n chunks, then the connection breaks; times= as above
  [[fail overloaded_error]]          an error event in the middle of the stream; times= as above
  [[silence 30]]  [[slowhead 30]]    nothing after, or before, the head of the answer
  [[garbage]]  [[die]]               broken records, sudden death: the agent's stand-in alone
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

DIRECTIVE = re.compile(r"\[\[(.+?)\]\](?!\])", re.DOTALL)
JOINT = re.compile(r"\s+&&\s+(?=(?:text|exact|heard|recite|think|big|tool|cut|garbage|die)\b)")
OPTION = re.compile(r"(n|delay|times)=(\S+)\s*")
LIMITED = frozenset({"error", "cut", "fail"})


@dataclass(frozen=True)
class Act:
    """One thing that the model does."""

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


DEFAULT = (Act("text", "Hello from the stand-in."),)


@dataclass
class Budget:
    """How often limited acts were played, by prompt; lives as long as the stand-in."""

    spent: dict[tuple[str, int], int] = field(default_factory=dict)

    def take(self, key: tuple[str, int], times: int) -> bool:
        used = self.spent.get(key, 0)
        self.spent[key] = used + 1
        return used < times


def has_steps(text: str) -> bool:
    return bool(DIRECTIVE.search(text))


def step_at(text: str, place: int, budget: Budget) -> Sequence[Act]:
    """Return the acts that answer the model call number `place` of a turn."""
    steps = [acts_of(found) for found in DIRECTIVE.findall(text)]
    limited = [index for index, acts in enumerate(steps) if acts[0].times is not None]
    for index in limited:
        if index <= place and budget.take((text, index), steps[index][0].times or 0):
            return steps[index]
    rest = [acts for index, acts in enumerate(steps) if index not in limited] or [DEFAULT]
    return rest[min(place, len(rest) - 1)]


def aloud(acts: Sequence[Act], heard: str, prompts: Sequence[str]) -> Sequence[Act]:
    """Put the newest tool result, or the user's texts, where an act wants them."""
    bare = [DIRECTIVE.sub("", prompt).strip() for prompt in prompts if has_steps(prompt)]
    texts = {"heard": heard or "nothing", "recite": " | ".join(bare)}
    return tuple(
        Act("exact", json.dumps(texts[act.kind])) if act.kind in texts else act for act in acts
    )


def acts_of(directive: str) -> Sequence[Act]:
    return tuple(_act(piece) for piece in JOINT.split(directive.strip()))


def _act(piece: str) -> Act:
    kind, _, rest = piece.partition(" ")
    options: dict[str, str] = {}
    while found := OPTION.match(rest):
        options[found.group(1)] = found.group(2)
        rest = rest[found.end() :]
    if kind in LIMITED and "times" not in options:
        # `[[error 429 times=2]]`: the option may follow the word
        word, _, tail = rest.partition(" ")
        if found := OPTION.match(tail):
            options[found.group(1)], rest = found.group(2), word
    return Act(
        kind,
        rest.strip() if kind != "text" else rest,
        n=int(options["n"]) if "n" in options else None,
        delay=float(options.get("delay", 0)),
        times=int(options["times"]) if "times" in options else None,
    )
