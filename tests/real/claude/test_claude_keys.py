"""A changed key is that of the next turn, also in a session whose process is still there."""

from collections.abc import Callable
from pathlib import Path

from xo_cowork_core.sdk.testing import Chat, eventually

OpenChat = Callable[..., Chat]
PATH = "/api/secrets/ANTHROPIC_API_KEY"
SECONDS = 10.0


def set_key(chat: Chat, value: str) -> None:
    answer = chat.http.patch(PATH, json={"value": value})
    assert answer.status_code == 200, answer.text


def process_of(chat: Chat, claude: Path) -> tuple[int, bytes]:
    """Return the pid of the session's process, and the key in its environment."""
    (process,) = [p for p in chat.server.descendants() if str(claude) in p.command]
    entries = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    (key,) = [entry for entry in entries if entry.startswith(b"ANTHROPIC_API_KEY=")]
    return process.pid, key.partition(b"=")[2]


def test_a_changed_key_is_used_in_the_next_turn_of_a_warm_session(
    open_chat: OpenChat, claude: Path
) -> None:
    chat = open_chat()
    first = chat.run_turn("one [[text a]]")
    old_pid, _ = process_of(chat, claude)
    set_key(chat, "sk-ant-fake-changed")
    second = chat.run_turn("two [[recite]]", session_id=first.session_id)
    assert second.text == "one | two"
    eventually(
        lambda: old_pid not in {p.pid for p in chat.server.descendants()},
        SECONDS,
        "the process with the old key has ended",
    )
    new_pid, key = process_of(chat, claude)
    assert (new_pid != old_pid, key) == (True, b"sk-ant-fake-changed")
    set_key(chat, "sk-ant-fake-changed")
    chat.run_turn("three [[text c]]", session_id=first.session_id)
    assert process_of(chat, claude) == (new_pid, key)
