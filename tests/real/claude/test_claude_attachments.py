"""Files that come with a prompt: they reach the model, and stay on record."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.claude_cli.claude_prompts import environment, model_api
from tests.support.attachment import CONTEXT, PIXEL
from xo_cowork_core.sdk.testing import Chat, LiveServer
from xo_cowork_core.sdk.testing.history import parts_of


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model") / "requests.jsonl"


@pytest.fixture(scope="module")
def chat(claude: Path, log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    with model_api(log) as port:
        values = environment(claude, port, tmp_path_factory.mktemp("claude"))
        with LiveServer(environment={"XO_PLUGINS": "runtime_claude", **values}) as server:
            yield Chat(server, "claude_code")


def upload(chat: Chat, name: str, content: bytes) -> dict[str, str]:
    answer = chat.http.post("/api/files/upload", files={"file": (name, content)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_attached_files_are_kept_with_their_message(chat: Chat) -> None:
    note, picture = upload(chat, "my note.txt", b"milk"), upload(chat, "pic.png", PIXEL)
    named = {"type": "file", "path": picture["path"], "name": "pic.png"}
    text = "see [[text seen]]"
    turn = chat.run_turn(text + CONTEXT, attachments=[note, named])
    user, _ = chat.messages(turn.session_id)
    assert user["text"] == text
    files = [(part["name"], part["path"], part["mime_type"]) for part in parts_of([user], "file")]
    assert files == [
        ("my note.txt", note["path"], "text/plain"),
        ("pic.png", picture["path"], "image/png"),
    ]
    listed = chat.http.get(f"/api/sessions/{turn.session_id}/files").json()["files"]
    assert [(row["name"], row["type"]) for row in listed] == [
        ("my note.txt", "attachment"),
        ("pic.png", "attachment"),
    ]
    (row,) = [row for row in chat.sessions() if row["id"] == turn.session_id]
    assert row["title"] == text


@pytest.mark.parametrize("known", [True, False])
def test_attached_files_reach_the_model(
    chat: Chat, claude: Path, real_claude: Path, log: Path, known: bool
) -> None:
    if claude != real_claude:
        pytest.skip("the fake has no model")
    files = [upload(chat, "list.txt", b"oatmeal"), upload(chat, "dot.png", PIXEL)]
    if not known:
        files = [{"type": "file", "path": file["path"], "name": file["name"]} for file in files]
    turn = chat.run_turn("look [[text ok]]", attachments=files)
    assert turn.text == "ok"
    request = json.loads(log.read_text().splitlines()[-1])
    assert "oatmeal" in json.dumps(request["messages"])
    assert request["images"] == 1


def test_a_prompt_may_be_attachments_alone(chat: Chat) -> None:
    note = upload(chat, "alone.txt", b"milk")
    turn = chat.run_turn("", attachments=[note])
    assert turn.terminal.event == "done", turn.terminal.data
    user, _ = chat.messages(turn.session_id)
    assert user["text"] == ""
    assert [part["name"] for part in parts_of([user], "file")] == ["alone.txt"]
