"""Fixtures and checks that all groups of cases share."""

from collections.abc import Iterator, Sequence

import pytest

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.recorder import Recordings, TurnRecorder
from xo_cowork_core.sdk.testing.contract.summary import register_summary
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.process_tree import ProcessInfo, eventually
from xo_cowork_core.sdk.testing.recording import Recording
from xo_cowork_core.sdk.testing.server import LiveServer
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

# what is stopped would go on for `LONG_SECONDS`
LONG_SECONDS = 60
PERMISSION_SECONDS = 8
STOP_SECONDS = 20.0
STORE_SECONDS = 20.0
OWN_MODULE = " -m xo_cowork_core."
PLANTED = "XO_CONTRACT_PLANTED"
ALLOW = {"file_changes": True, "run_commands": True}
CONTEXT = "\n\n---\n\n> **Project context**\n"
# the only turn of a session that many cases read
RECORD = " ".join(f"w{number}" for number in range(40))


class Cases:
    """Base class of the groups. A subclass defines the fixture `subject`."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def summary(cls, request: pytest.FixtureRequest) -> None:
        """Have the skipped cases listed at the end of the run."""
        register_summary(request.config)

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, subject: RuntimeSubject) -> Iterator[LiveServer]:
        """Run one server for all cases of a class. A case that restarts it leaves it running."""
        environment = contract_environment(subject)
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

    def leftover_commands(self, chat: Chat, subject: RuntimeSubject) -> list[str]:
        """Return the commands of the processes that should not outlive a turn."""
        commands = [process.command for process in agent_processes(chat)]
        return [c for c in commands if not any(word in c for word in subject.lasting_processes)]

    @pytest.fixture
    def recorder(self, chat: Chat, subject: RuntimeSubject, recordings: Recordings) -> TurnRecorder:
        """Return the recorder of the turns that several cases read."""
        return TurnRecorder(chat, subject, recordings)


def agent_processes(chat: Chat) -> list[ProcessInfo]:
    """Return the living descendants of the server without its own helper processes."""
    return [p for p in chat.server.descendants() if OWN_MODULE not in p.command]


def contract_environment(subject: RuntimeSubject) -> dict[str, str]:
    """Return the environment of the server that the cases run on."""
    return {
        "XO_PLUGINS": subject.plugins,
        "XO_PERMISSION_MODE": "ask",
        "XO_PERMISSION_TIMEOUT": str(PERMISSION_SECONDS),
        PLANTED: "must not reach an agent",
        **subject.environment,
    }


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
