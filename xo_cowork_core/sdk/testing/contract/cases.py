"""What all groups of cases share: one server for the class, one frontend for each case."""

from collections.abc import Iterator, Sequence

import pytest

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.proctree import eventually
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.server import LiveServer
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

PERMISSION_SECONDS = 4
STOP_SECONDS = 5.0
STORE_SECONDS = 5.0
CONTEXT = "\n\n---\n\n> **Project context**\n"


class Cases:
    """Base of the groups. A subclass gives the fixture `subject`."""

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, subject: RuntimeSubject) -> Iterator[LiveServer]:
        """One server for all cases of a class; cases that restart it leave it running."""
        environment = {
            "XO_PLUGINS": subject.plugins,
            "XO_PERMISSION_MODE": "ask",
            "XO_PERMISSION_TIMEOUT": str(PERMISSION_SECONDS),
            **subject.environment,
        }
        with LiveServer(environment=environment, python_path=subject.python_path) as server:
            yield server

    @pytest.fixture
    def chat(self, server: LiveServer, subject: RuntimeSubject) -> Chat:
        """Return a frontend of the subject, on a running server."""
        if not server.running:
            server.start()
        return Chat(server, subject.agent_name)


def absent(what: str) -> None:
    """Skip the case: the subject declares that it has no such thing."""
    pytest.skip(f"the subject declares that it has no {what}")


def stored(chat: Chat, session_id: str, count: int) -> Sequence[Body]:
    """Wait until a session has at least `count` messages on record and return them."""
    wanted = f"{count} messages of {session_id}"
    eventually(lambda: len(chat.messages(session_id)) >= count, STORE_SECONDS, wanted)
    return chat.messages(session_id)


def answers(chat: Chat, subject: RuntimeSubject, session_id: str) -> Recording:
    """Check that a session takes another turn, whatever happened to the last one."""
    turn = chat.run_turn(subject.say("Still here."), session_id=session_id)
    assert turn.text == "Still here."
    assert turn.session_id == session_id
    assert turn.terminal.event == "done"
    return turn
