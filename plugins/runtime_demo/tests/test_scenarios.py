"""Every scenario gives the events that the README lists, and changes only the files it names."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, Recording

README = Path(__file__).parents[1] / "README.md"
BEGIN = ["session-created", "step-start"]
END = ["step-finish", "done"]
NEXT = ["step-finish", "step-start"]
SAYS = ["text-delta"]
TOOL = ["tool-call", "tool-result"]
SCENARIOS = {
    "text": SAYS,
    "echo Hello there": SAYS,
    "long 50": SAYS,
    "huge 100": SAYS,
    "slow 0.5": ["model-loading", *SAYS],
    "silent 0.1": [],
    "reasoning": ["reasoning-delta", *SAYS],
    "tools note.md Hello": [*SAYS, *TOOL, *NEXT, *TOOL, *NEXT, *SAYS],
    "wait 0.1": [*TOOL, *NEXT, *SAYS],
    "progress 2": ["tool-call", *["tool-update"] * 3, "tool-result", *NEXT, *SAYS],
    "todo": [*TOOL * 4, *NEXT, *SAYS],
    "title A new name": ["title-update", *SAYS],
    "compaction": ["compaction-start", "compacted", *SAYS],
    "retry": [*SAYS, "desync", *SAYS],
}
ASKING = {"permission", "question", "plan"}
FAILING = {"error", "crash"}


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    environment = {"XO_PLUGINS": "runtime_demo", "XO_PERMISSION_MODE": "ask"}
    with LiveServer(environment=environment) as server:
        yield Chat(server, "demo")


def _shape(turn: Recording) -> Sequence[str]:
    deltas = {"text-delta", "reasoning-delta"}
    runs = [(name, list(group)) for name, group in groupby(turn.events)]
    return [one for name, group in runs for one in ([name] if name in deltas else group)]


@pytest.mark.parametrize("prompt", SCENARIOS)
def test_a_scenario_gives_its_events(chat: Chat, prompt: str) -> None:
    assert _shape(chat.run_turn(prompt)) == [*BEGIN, *SCENARIOS[prompt], *END]


def test_every_scenario_is_in_the_readme_and_in_the_answer(chat: Chat) -> None:
    answer = chat.run_turn("What can you do?").text
    words = set(re.findall(r"^- `(\w+)", answer, re.MULTILINE))
    rows = set(re.findall(r"^\| `(\w+)", README.read_text(), re.MULTILINE))
    tried = {prompt.split()[0] for prompt in SCENARIOS} | ASKING | FAILING
    assert words == rows == tried


def test_the_same_prompt_gives_the_same_events(chat: Chat) -> None:
    first, second = (chat.run_turn("text") for _ in range(2))
    assert first.events == second.events
    assert first.text == second.text
    assert first.body("done")["tokens"] == second.body("done")["tokens"]


def test_a_word_anywhere_in_the_first_line_chooses(chat: Chat) -> None:
    assert "todo" in {b["tool"] for b in chat.run_turn("Show me a TODO list").bodies("tool-call")}
    assert "tool-call" not in chat.run_turn("Hello\ntodo").events


def test_plan_mode_shows_a_plan(chat: Chat) -> None:
    stop = json.dumps({"action": "stop"})
    turn = chat.run_and_answer("Build me a house", "plan-review", stop, agent="plan")
    assert "The plan is dropped." in turn.text


def test_feedback_changes_the_plan(chat: Chat) -> None:
    turn = chat.prompt("plan")
    with chat.stream(turn.stream_id) as stream:
        for action in ("revise", "accept"):
            review = stream.wait_for("plan-review")
            answer = json.dumps({"action": action, "feedback": "use blue paint"})
            chat.respond(turn.stream_id, str(review.data["call_id"]), answer)
        assert "use blue paint" in str(review.data["plan"])
        assert stream.rest()[-1].event == "done"


def test_two_questions_get_two_answers(chat: Chat) -> None:
    answers = {"Which colour do you like?": "Blue", "Which fruits do you eat?": "Plums"}
    turn = chat.run_and_answer("question two", "question", json.dumps(answers))
    assert "Blue" in turn.text
    assert "Plums" in turn.text


def test_every_delta_of_a_long_turn_arrives(chat: Chat) -> None:
    turn = chat.run_turn("long 20000")
    assert turn.text == "".join(f"word-{number} " for number in range(1, 20001))


def test_a_slow_turn_counts_its_ticks(chat: Chat) -> None:
    turn = chat.run_turn("slow 1")
    ticks = turn.text.split()
    assert ticks == [f"tick-{number}" for number in range(1, len(ticks) + 1)]
    assert len(ticks) > 1


@pytest.mark.parametrize(
    ("prompt", "after"),
    [
        ("long 10000000", "text-delta"),
        ("slow 60", "text-delta"),
        ("silent 60", "step-start"),
        ("wait 60", "tool-call"),
        ("question", "question"),
    ],
)
def test_an_interrupted_scenario_ends_by_itself(chat: Chat, prompt: str, after: str) -> None:
    turn = chat.prompt(prompt)
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for(after)
        assert chat.abort(turn.stream_id)["aborted"] is True
        end = stream.rest()[-1]
    assert end.data["finish_reason"] == "aborted"
    # a turn that the host had to cancel gives no usage
    assert end.data["tokens"]


@pytest.mark.parametrize("name", ["../../out.md", "/etc/out.md", "a/../../out.md", "..", "./.md"])
def test_a_name_stays_below_the_demo_folder(chat: Chat, name: str) -> None:
    before = _outside(chat)
    turn = chat.run_turn(f"tools {name} hello")
    assert "tool-error" not in turn.events
    assert _outside(chat) == before


@pytest.mark.parametrize("link", ["demo", "demo/sub", "demo/file.md"])
def test_a_link_is_not_followed(chat: Chat, link: str, tmp_path: Path) -> None:
    other = Chat(chat.server, "demo", project=f"linked-{link.replace('/', '-').replace('.', '-')}")
    place = other.folder / link
    place.parent.mkdir(exist_ok=True)
    target = tmp_path / "file.md" if link.endswith(".md") else tmp_path
    place.symlink_to(target)
    name = "sub/file.md" if link.endswith("sub") else "file.md"
    turn = other.run_turn(f"tools {name} hello")
    assert "tool-error" in turn.events
    assert not list(tmp_path.iterdir())


def test_denied_file_changes_stop_the_tools(chat: Chat) -> None:
    other = Chat(chat.server, "demo", project="denied")
    turn = other.run_turn("tools a.md hello", permission_presets={"file_changes": "deny"})
    assert "tool-error" in turn.events
    assert not list(other.folder.rglob("*.md"))


def test_a_retried_text_counts_once_in_history(chat: Chat) -> None:
    turn = chat.run_turn("retry")
    answer = chat.messages(turn.session_id)[-1]
    assert answer["text"] == turn.text
    assert "draft" not in turn.text


def _outside(chat: Chat) -> set[Path]:
    inside = chat.folder / "demo"
    everything = chat.server.home.rglob("*.md")
    return {path for path in everything if not path.is_relative_to(inside)}
