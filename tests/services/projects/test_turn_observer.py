"""A turn's tools contribute relative paths and todo texts to the project, and nothing else."""

from collections.abc import Callable

import pytest

from xo_cowork_core.sdk import (
    Event,
    StepFinish,
    Tokens,
    ToolCall,
    ToolError,
    ToolResult,
    ToolUpdate,
)
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.projects.events import FileWritten, ProjectEvent, TodoListUpdated
from xo_cowork_core.services.projects.turn_observer import TurnObserver

Run = Callable[..., list[ProjectEvent]]


@pytest.fixture
def run() -> Run:
    """Feed events to an observer of a turn in `/p/mine/sub`, and return the project's events."""

    def feed(*events: Event) -> list[ProjectEvent]:
        events_out: list[ProjectEvent] = []
        observer = TurnObserver(
            "s",
            "demo",
            cwd="/p/mine/sub",
            folders=("/link/mine", "/p/mine"),
            clock=SystemClock(),
            on_event=events_out.append,
        )
        for event in events:
            observer(event)
        return events_out

    return feed


def written(tool: str, path: object, **metadata: object) -> list[Event]:
    call = ToolCall("c", tool, {"file_path": path, "content": "SECRET"})  # type: ignore[dict-item]
    return [call, ToolResult("c", tool, "SECRET", metadata=metadata)]  # type: ignore[arg-type]


def paths(events: list[ProjectEvent]) -> list[tuple[str, bool | None]]:
    return [(event.path, event.created) for event in events if isinstance(event, FileWritten)]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("a.py", "sub/a.py"),
        ("../a.py", "a.py"),
        ("/p/mine/x/./y/../a.py", "x/a.py"),
        ("/link/mine/a.py", "a.py"),
        ("half\ud800.py", "sub/half?.py"),
    ],
)
def test_a_path_in_the_project_is_reported_relative_to_it(run: Run, path: str, wanted: str) -> None:
    assert paths(run(*written("write", path))) == [(wanted, None)]


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../other/a.py", "/p/mine2/a.py", "..", "/p/mine", "../.xo/x", "", 5, None],
)
def test_no_other_path_is_reported(run: Run, path: object) -> None:
    assert run(*written("write", path)) == []


def test_whether_a_file_is_new_is_taken_from_the_tool(run: Run) -> None:
    assert paths(run(*written("write", "a", created=False))) == [("sub/a", False)]
    assert paths(run(*written("edit", "a"))) == [("sub/a", False)]
    changes = [{"file_path": "b", "kind": "add"}, {"file_path": "c", "kind": "update"}, "odd"]
    reported = paths(run(*written("edit", "b", changes=changes)))
    assert reported == [("sub/b", True), ("sub/c", False)]


def test_a_file_counts_once_in_a_turn_and_a_failed_write_never(run: Run) -> None:
    failed = [ToolCall("f", "write", {"file_path": "no"}), ToolError("f", "write", "no")]
    assert paths(run(*written("write", "a"), *written("edit", "a"), *failed)) == [("sub/a", None)]


def test_other_tools_are_ignored(run: Run) -> None:
    assert run(*written("read", "a"), *written("bash", "a")) == []


def test_a_task_list_is_reported_without_rows_that_are_no_tasks(run: Run) -> None:
    rows = [{"content": "one", "status": "completed", "activeForm": "doing"}, {"content": ""}, 3]
    (updated,) = run(ToolResult("t", "todo", metadata={"todos": rows}))
    assert isinstance(updated, TodoListUpdated)
    assert [(item.content, item.status) for item in updated.items] == [("one", "completed")]


@pytest.mark.parametrize(
    "event",
    [
        ToolResult("t", "todo", metadata=None),  # type: ignore[arg-type]
        ToolResult("t", "todo", metadata={"todos": "x"}),
        ToolCall([], "write", {}),  # type: ignore[arg-type]
        StepFinish(tokens=None),  # type: ignore[arg-type]
    ],
)
def test_an_event_of_a_wrong_shape_ends_nothing(run: Run, event: Event) -> None:
    reported = run(ToolCall("c", "write", {"file_path": "a"}), event, ToolResult("c", "write"))
    assert paths(reported) == [("sub/a", None)]


def test_steps_give_the_tokens_of_a_turn_that_reports_none() -> None:
    observer = TurnObserver(
        "s", "demo", cwd="/p", folders=(), clock=SystemClock(), on_event=lambda _: None
    )
    observer(StepFinish(tokens=Tokens(input=1)))
    observer(StepFinish(tokens=Tokens(input=2, output=3)))
    assert observer.tokens == Tokens(input=3, output=3)


def test_a_path_that_an_update_gives_is_the_one_that_was_written(run: Run) -> None:
    update = ToolUpdate("c", "write", {"file_path": "late.py"})
    output = ToolUpdate("c", "write", output="half of it")
    events = run(ToolCall("c", "write"), update, output, ToolResult("c", "write"))
    assert paths(events) == [("sub/late.py", None)]
