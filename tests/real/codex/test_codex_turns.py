"""Turns of Codex beyond the contract: streamed events are stored, files reach the model."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.codex_cli.codex_prompts import (
    ABSENT,
    command,
    environment,
    patch,
    real_codex,
    responses_api,
)
from tests.support.attachment import CONTEXT, PIXEL
from xo_cowork_core.sdk.testing import Chat, LiveServer
from xo_cowork_core.sdk.testing.history import message_pieces, parts_of, turn_pieces

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model") / "requests.jsonl"


@pytest.fixture(scope="module")
def chat(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    binary = real_codex()
    if binary is None:
        pytest.skip(ABSENT)
    with responses_api(log) as port:
        values = environment(binary, port, tmp_path_factory.mktemp("codex"))
        with LiveServer(environment={"XO_PLUGINS": "runtime_codex", **values}) as server:
            yield Chat(server, "codex")


def test_a_turn_with_all_kinds_of_events_is_stored_as_streamed(chat: Chat) -> None:
    runs, fails = command("echo ran"), command("cat absent")
    # one after the other: Codex starts commands of one step in any order
    script = (
        f"[[think hm && text **First** I look. && {runs[2:-2]}]] {fails} "
        f"[[text Then I write. && {patch('rich.md', '# A')[2:-2]}]] [[think so && text Done.]]"
    )
    allowed = {"file_changes": True, "run_commands": True}
    turn = chat.run_turn(script, permission_presets=allowed)
    answer = chat.messages(turn.session_id)[-1]
    assert [piece[:3] for piece in turn_pieces(turn) if piece[0] == "tool"] == [
        ("tool", "bash", "completed"),
        ("tool", "bash", "error"),
        ("tool", "write", "completed"),
    ]
    assert message_pieces(answer) == turn_pieces(turn)
    steps = [body["tokens"] for body in turn.bodies("step-finish")]
    assert [part["tokens"] for part in parts_of([answer], "step-finish")] == steps
    assert answer["data"]["tokens"] == turn.terminal.data["tokens"]


def test_attached_files_reach_the_model_and_stay(chat: Chat, log: Path) -> None:
    note, picture = chat.folder / "my note.txt", chat.folder / "dot.png"
    note.write_text("oatmeal")
    picture.write_bytes(PIXEL)
    files = [{"type": "file", "path": str(path), "name": path.name} for path in (note, picture)]
    turn = chat.run_turn("look [[text ok]]" + CONTEXT, attachments=files)
    request = json.loads(log.read_text().splitlines()[-1])
    assert str(note) in json.dumps(request["input"])
    assert request["images"] == 1
    user, _ = chat.messages(turn.session_id)
    assert user["text"] == "look [[text ok]]"
    assert [part["name"] for part in parts_of([user], "file")] == [note.name, picture.name]
    (row,) = [row for row in chat.sessions() if row["id"] == turn.session_id]
    assert row["title"] == "look [[text ok]]"


def test_a_prompt_may_be_attachments_alone(chat: Chat) -> None:
    note, picture = chat.folder / "alone.txt", chat.folder / "alone.png"
    note.write_text("oatmeal")
    picture.write_bytes(PIXEL)
    for path in (note, picture):
        turn = chat.run_turn("", attachments=[{"path": str(path), "name": path.name}])
        assert turn.terminal.event == "done", turn.terminal.data
        messages = chat.messages(turn.session_id)
        assert [message["role"] for message in messages] == ["user", "assistant"], messages
        assert messages[0]["text"] == ""
        assert [part["name"] for part in parts_of(messages[:1], "file")] == [path.name]
