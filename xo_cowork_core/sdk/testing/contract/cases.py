"""Fixtures and checks that all groups of cases share."""

from collections.abc import Iterator, Sequence
from typing import NoReturn

import pytest

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.recorder import Recordings, TurnRecorder
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.server import LiveServer
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

PERMISSION_SECONDS = 4
STOP_SECONDS = 5.0
STORE_SECONDS = 5.0
CONTEXT = "\n\n---\n\n> **Project context**\n"
RECORD = "For the record."


class Cases:
    """Base class of the groups. A subclass defines the fixture `subject`."""

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, subject: RuntimeSubject) -> Iterator[LiveServer]:
        """Run one server for all cases of a class. A case that restarts it leaves it running."""
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
        """Return a client of the subject; start the server if it is not running."""
        if not server.running:
            server.start()
        return Chat(server, subject.agent_name)

    @pytest.fixture(scope="class")
    @classmethod
    def recordings(cls) -> Recordings:
        """The turns that the cases of a class share."""
        return {}

    @pytest.fixture
    def recorder(self, chat: Chat, subject: RuntimeSubject, recordings: Recordings) -> TurnRecorder:
        """Return the recorder of the turns that several cases read."""
        return TurnRecorder(chat, subject, recordings)


def skip_without(feature: str) -> NoReturn:
    """Skip the case, because the subject does not declare `feature`."""
    pytest.skip(f"the subject declares that it has no {feature}")


def wait_for_messages(chat: Chat, session_id: str, count: int) -> Sequence[Body]:
    """Wait until a session has at least `count` messages, and return them."""
    description = f"{count} messages of {session_id}"
    eventually(lambda: len(chat.messages(session_id)) >= count, STORE_SECONDS, description)
    return chat.messages(session_id)


def check_next_turn(chat: Chat, subject: RuntimeSubject, session_id: str) -> Recording:
    """Check that a session takes another turn after whatever happened to the last one."""
    turn = chat.run_turn(subject.say("Still here."), session_id=session_id)
    assert turn.text == "Still here."
    assert turn.session_id == session_id
    assert turn.terminal.event == "done"
    return turn
