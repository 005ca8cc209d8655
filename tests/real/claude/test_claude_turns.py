"""Turns: tools, skills, plans, attachments, models, and what an abort leaves behind."""

import json
from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import FAKE_CLI, tool
from xo_cowork_core.sdk.testing import Chat, eventually
from xo_cowork_core.sdk.testing.history import message_pieces, parts_of, turn_pieces

SECONDS = 10.0
SLEEPER = "import time; time.sleep(301)"


def sleepers(chat: Chat) -> list[str]:
    return [
        p.command for p in chat.server.descendants() if p.command.strip().endswith(f"-c {SLEEPER}")
    ]


def agent_of(chat: Chat, session_id: str) -> int:
    """Return the process that holds this session: other sessions' ones come and go."""
    own = [p for p in chat.server.descendants() if p.parent_pid == chat.server.pid]
    (agent,) = [p.pid for p in own if session_id in p.command]
    return agent


def test_abort_kills_a_grandchild_in_its_own_session(chat: Chat, shared_session: str) -> None:
    script = (
        "import subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, '-c', '{SLEEPER}'], start_new_session=True); "
        "time.sleep(301)"
    )
    agent = agent_of(chat, shared_session)
    prompt = f"{tool('Bash', command=f'python3 -c {json.dumps(script)}')} [[text no]]"
    turn = chat.prompt(prompt, session_id=shared_session)
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("tool-call")
        eventually(lambda: sleepers(chat), SECONDS, "the tool's child runs")
        chat.abort(turn.stream_id)
        assert stream.rest()[-1].data["finish_reason"] == "aborted"
    eventually(lambda: not sleepers(chat), 5.0, "no child of the tool is left")
    assert agent_of(chat, shared_session) == agent, "the agent itself stays"


def test_abort_keeps_the_process(chat: Chat, shared_session: str) -> None:
    before = agent_of(chat, shared_session)
    turn = chat.prompt("two [[text n=600 delay=0.1 slow]]", session_id=shared_session)
    with chat.stream(turn.stream_id) as stream:
        stream.wait_for("text-delta")
        chat.abort(turn.stream_id)
        stream.rest()
    assert chat.run_turn("[[text b]]", session_id=shared_session).text == "b"
    assert agent_of(chat, shared_session) == before


def test_abort_withdraws_pending_requests(chat: Chat, shared_session: str) -> None:
    write = tool("Write", file_path="never.txt", content="x")
    turn = chat.prompt(f"{write} [[text no]]", session_id=shared_session)
    with chat.stream(turn.stream_id) as stream:
        asked = stream.wait_for("permission-request")
        chat.abort(turn.stream_id)
        frames = stream.rest()
    resolved = [frame.data for frame in frames if frame.event == "permission-resolved"]
    assert [row["call_id"] for row in resolved] == [asked.data["call_id"]]
    assert resolved[0]["reason"] == "withdrawn"
    assert not (chat.folder / "never.txt").exists()


def test_parallel_tools_each_get_their_result(chat: Chat, shared_session: str) -> None:
    calls = " && ".join(
        tool("Write", file_path=f"p{number}.txt", content=str(number))[2:-2] for number in range(3)
    )
    presets = {"file_changes": True}
    turn = chat.run_turn(
        f"[[{calls}]] [[text done]]", permission_presets=presets, session_id=shared_session
    )
    calls_made = [body["call_id"] for body in turn.bodies("tool-call")]
    assert len(set(calls_made)) == 3
    assert sorted(calls_made) == sorted(body["call_id"] for body in turn.bodies("tool-result"))
    parts = [part["data"] for part in chat.messages(turn.session_id)[-1]["parts"]]
    states = [part["state"]["status"] for part in parts if part["type"] == "tool"]
    assert states == ["completed"] * 3


def test_a_turn_with_all_kinds_of_events_is_stored_as_streamed(
    chat: Chat, shared_session: str
) -> None:
    fails, reads = tool("Bash", command="python3 -c 1/0"), tool("Read", file_path="absent")
    writes = tool("Write", file_path="rich.md", content="# A")
    script = (
        f"[[think hm && text **First** I look. && {fails[2:-2]} && {reads[2:-2]}]] "
        f"[[text Then I write. && {writes[2:-2]}]] [[think so && text Done.]]"
    )
    turn = chat.run_turn(
        script, permission_presets={"file_changes": True}, session_id=shared_session
    )
    answer = chat.messages(turn.session_id)[-1]
    assert [piece[:3] for piece in turn_pieces(turn) if piece[0] == "tool"] == [
        ("tool", "bash", "error"),
        ("tool", "read", "error"),
        ("tool", "write", "completed"),
    ]
    assert message_pieces(answer) == turn_pieces(turn)
    steps = [body["tokens"] for body in turn.bodies("step-finish")]
    assert [part["tokens"] for part in parts_of([answer], "step-finish")] == steps
    total = {key: sum(step[key] for step in steps) for key in steps[0]}
    assert answer["data"]["tokens"] == total


def test_a_skill_is_called_by_name(chat: Chat) -> None:
    folder = chat.folder / ".claude" / "skills" / "greet"
    folder.mkdir(parents=True, exist_ok=True)
    skill = "---\nname: greet\ndescription: greets\n---\nGreet $ARGUMENTS. [[text greeted]]\n"
    (folder / "SKILL.md").write_text(skill)
    assert chat.run_turn("Bob", agent_type="greet").text == "greeted"


def test_a_skill_created_between_turns_is_used(chat: Chat, shared_session: str) -> None:
    chat.run_turn("[[text a]]", session_id=shared_session)
    folder = chat.folder / ".claude" / "skills" / "leave"
    folder.mkdir(parents=True, exist_ok=True)
    skill = "---\nname: leave\ndescription: says bye\n---\nPart from $ARGUMENTS. [[text left]]\n"
    (folder / "SKILL.md").write_text(skill)
    turn = chat.run_turn("Bob", agent_type="leave", session_id=shared_session)
    assert turn.text == "left"


def test_a_model_passes_through_and_back(chat: Chat, shared_session: str) -> None:
    first = chat.run_turn("[[text a]]", session_id=shared_session)
    usual = first.terminal.data["model_id"]
    second = chat.run_turn("[[text b]]", session_id=first.session_id, model="claude-haiku-4-5")
    assert second.terminal.data["model_id"] == "claude-haiku-4-5"
    third = chat.run_turn("[[text c]]", session_id=first.session_id)
    assert third.terminal.data["model_id"] == usual


def test_plan_mode_ends_with_the_plans_acceptance(chat: Chat, shared_session: str) -> None:
    prompt = f"{tool('ExitPlanMode', plan='# Paint it')} [[text painting]]"
    accept = json.dumps({"action": "accept"})
    turn = chat.run_and_answer(
        prompt, "plan-review", accept, agent="plan", session_id=shared_session
    )
    review = turn.body("plan-review")
    assert (review["title"], review["plan"]) == ("Paint it", "# Paint it")
    assert turn.text == "painting"
    assert chat.run_turn("[[text on]]", session_id=turn.session_id).text == "on"


def test_a_task_list_is_streamed_and_stored(chat: Chat, shared_session: str) -> None:
    todos = [{"content": "Paint it", "status": "in_progress", "activeForm": "Painting it"}]
    prompt = f"{tool('TodoWrite', todos=todos)} [[text listed]]"
    turn = chat.run_turn(prompt, session_id=shared_session)
    assert turn.body("tool-call")["tool"] == "todo"
    assert turn.body("tool-result")["metadata"]["todos"] == todos
    kept = chat.http.get(f"/api/sessions/{turn.session_id}/todos").json()
    assert kept == {"todos": todos}


def test_errors_of_tools_are_reported(chat: Chat, shared_session: str) -> None:
    prompt = f"{tool('Bash', command='python3 -c 1/0')} [[text so]]"
    turn = chat.run_turn(prompt, session_id=shared_session)
    assert "ZeroDivisionError" in str(turn.body("tool-error")["error_message"])
    assert turn.terminal.event == "done"


def test_a_prompt_of_a_megabyte_arrives(chat: Chat) -> None:
    turn = chat.run_turn(f"{'long ' * 200_000} [[text read it all]]")
    assert turn.text == "read it all"


def test_a_prompt_that_looks_like_a_flag_is_text(chat: Chat) -> None:
    assert chat.run_turn("--version [[text just text]]").text == "just text"


def test_clearing_does_not_move_the_session(chat: Chat) -> None:
    first = chat.run_turn("one [[text a]]")
    chat.run_turn("/clear", session_id=first.session_id)
    last = chat.run_turn("three [[text c]]", session_id=first.session_id)
    assert last.text == "c"
    assert str(chat.messages(first.session_id)[-1]["text"]) == "c"


def test_what_a_command_of_the_cli_answers_is_kept(chat: Chat, claude: Path) -> None:
    if claude == FAKE_CLI:
        pytest.skip("the fake has no such commands")
    first = chat.run_turn("one [[text a]]")
    answers = [
        chat.run_turn(command, session_id=first.session_id).text
        for command in ("/context", "/help")
    ]
    assert "Context Usage" in answers[0]
    messages = [(row["role"], str(row["text"])) for row in chat.messages(first.session_id)[2:]]
    assert messages == [
        ("user", "/context"),
        ("assistant", answers[0].strip()),
        ("user", "/help"),
        ("assistant", answers[1].strip()),
    ]


def test_compacting_keeps_the_messages(chat: Chat) -> None:
    first = chat.run_turn("one [[text a]]")
    chat.run_turn("/compact", session_id=first.session_id)
    chat.run_turn("three [[text c]]", session_id=first.session_id)
    texts = [str(row["text"]) for row in chat.messages(first.session_id)]
    assert texts[:2] == ["one [[text a]]", "a"]
    assert texts[-2:] == ["three [[text c]]", "c"]
    assert not any("being continued" in text for text in texts)


def test_a_flood_of_deltas_arrives_whole(chat: Chat, shared_session: str) -> None:
    turn = chat.run_turn("[[firehose 20000]]", session_id=shared_session)
    assert turn.text == "".join(f"w{number % 1000:03} " for number in range(20000))
    assert len(turn.bodies("text-delta")) == 20000
