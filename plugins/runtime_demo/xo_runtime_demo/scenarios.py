"""The table of scenarios: the word that chooses one, what plays, one line about it."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from xo_cowork_core.sdk import Event
from xo_runtime_demo import interaction_scenarios as asks
from xo_runtime_demo import text_scenarios as talk
from xo_runtime_demo import tool_scenarios as work
from xo_runtime_demo.scenario_context import ScenarioContext


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row; `usage` shows the word with what may follow."""

    usage: str
    about: str
    play: Callable[[ScenarioContext], AsyncGenerator[Event, None]]

    @property
    def word(self) -> str:
        return self.usage.split(maxsplit=1)[0]


async def text(stage: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in stage.say(help_text()):
        yield delta
        await stage.pause(0)


SCENARIOS = (
    Scenario("text", "this answer", text),
    Scenario("echo TEXT", "says TEXT, or the JSON string that it is", talk.echo),
    Scenario("long 1000", "so many small deltas, as fast as they go", talk.long),
    Scenario("huge 1000000", "one delta of so many characters", talk.huge),
    Scenario("slow 10", "text that takes so many seconds", talk.slow),
    Scenario("silent 20", "says nothing for so many seconds", talk.silent),
    Scenario("reasoning", "thinks first", talk.reasoning),
    Scenario("tools note.md TEXT", "writes demo/note.md and reads it back", work.tools),
    Scenario("permission note.md TEXT", "asks before it writes", work.permission),
    Scenario("wait 10", "a tool that takes so many seconds", work.wait),
    Scenario("todo", "works through a task list", work.todo),
    Scenario("question", "asks one question; `question two` asks two", asks.question),
    Scenario("plan", "shows a plan and waits for a word on it", asks.plan),
    Scenario("title TEXT", "gives the session a title", talk.title),
    Scenario("compaction", "shortens the conversation", talk.compaction),
    Scenario("retry", "loses a draft and starts over", talk.retry),
    Scenario("error rate_limit", "fails with that code", talk.error),
    Scenario("crash", "fails as a bug would", talk.crash),
)
BY_WORD: Mapping[str, Scenario] = MappingProxyType({row.word: row for row in SCENARIOS})


def help_text() -> str:
    """Say what the demo can do."""
    rows = "\n".join(f"- `{row.usage}`: {row.about}" for row in SCENARIOS)
    return (
        "Hello! I am the demo agent: I follow a script, with no model behind me. "
        f"Begin your prompt with one of these words:\n\n{rows}\n"
    )
