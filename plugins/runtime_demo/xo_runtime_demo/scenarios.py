"""The table of scenarios: the word that selects one, its function, one line about it."""

from collections.abc import AsyncGenerator, Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from xo_cowork_core.sdk import Event
from xo_runtime_demo import interaction_scenarios, text_scenarios, tool_scenarios
from xo_runtime_demo.scenario_context import ScenarioContext


class Scenario(NamedTuple):
    """One row of the table. `usage` is the word with its arguments, `description` is for people."""

    usage: str
    description: str
    run: Callable[[ScenarioContext], AsyncGenerator[Event, None]]

    @property
    def word(self) -> str:
        """The word in a prompt that selects the scenario."""
        return self.usage.split(maxsplit=1)[0]


async def help_scenario(context: ScenarioContext) -> AsyncGenerator[Event, None]:
    for delta in context.text_deltas(help_text()):
        yield delta
        await context.pause(0)


SCENARIOS = (
    Scenario("text", "this answer", help_scenario),
    Scenario("echo TEXT", "says TEXT, or the JSON string that it is", text_scenarios.echo),
    Scenario("long 1000", "so many small deltas, as fast as they go", text_scenarios.long),
    Scenario("huge 1000000", "one delta of so many characters", text_scenarios.huge),
    Scenario("slow 10", "text that takes so many seconds", text_scenarios.slow),
    Scenario("silent 20", "says nothing for so many seconds", text_scenarios.silent),
    Scenario("reasoning", "thinks first", text_scenarios.reasoning),
    Scenario("tools note.md TEXT", "writes demo/note.md and reads it back", tool_scenarios.tools),
    Scenario("permission note.md TEXT", "asks before it writes", tool_scenarios.permission),
    Scenario("wait 10", "a tool that takes so many seconds", tool_scenarios.wait),
    Scenario("progress 5", "a tool that prints so many lines, one by one", tool_scenarios.progress),
    Scenario("todo", "works through a task list", tool_scenarios.todo),
    Scenario(
        "question", "asks one question; `question two` asks two", interaction_scenarios.question
    ),
    Scenario("plan", "shows a plan and waits for a decision", interaction_scenarios.plan),
    Scenario("title TEXT", "gives the session a title", text_scenarios.title),
    Scenario("compaction", "shortens the conversation", text_scenarios.compaction),
    Scenario("retry", "loses a draft and starts over", text_scenarios.retry),
    Scenario("error rate_limit", "fails with that code", text_scenarios.error),
    Scenario("crash", "fails as a bug would", text_scenarios.crash),
)
BY_WORD: Mapping[str, Scenario] = MappingProxyType({row.word: row for row in SCENARIOS})


def help_text() -> str:
    """Return the text that lists the scenarios."""
    rows = "\n".join(f"- `{row.usage}`: {row.description}" for row in SCENARIOS)
    return (
        "Hello! I am the demo agent: I follow a script, with no model behind me. "
        f"Begin your prompt with one of these words:\n\n{rows}\n"
    )
