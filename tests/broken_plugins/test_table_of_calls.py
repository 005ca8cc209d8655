"""Calls of a careless runtime or connector: each is refused, recorded, and costs nobody else."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.broken_plugins.table import calls
from tests.broken_plugins.table.host_check import HostCheck, install_all
from tests.broken_plugins.table.sources import CLERK, HEALTHY, turn_source
from tests.broken_plugins.table.turns import RETURNS, RUNS
from xo_cowork_core.sdk.testing import Chat, Connections, LiveServer, StartedTurn


class Clerk:
    """The runtime and the connector of the plugin that answers what a test tells it to."""

    def __init__(self, check: HostCheck) -> None:
        self.check = check
        self.http = check.server.client
        self.chat = Chat(check.server, "clerk")
        self.office = Connections(check.server, "office")
        self._answers = check.server.home / "answers"

    def answer(self, **answers: str) -> None:
        """Let methods return what these expressions say, all others what is right."""
        self._answers.write_text("".join(f"{name} {value}\n" for name, value in answers.items()))

    def assert_fault(self, method: str, words: str) -> None:
        """Check that the host works, and what the record says of the method."""
        self.answer()
        record = self.check.assert_host_works()["plugin_clerk"]
        assert record["state"] == "ready"
        assert words.replace("{}", method) in " ".join(record["faults"])

    def ask(self) -> StartedTurn:
        """Start a turn that waits for a permission."""
        turn = self.chat.prompt("ask")
        with self.chat.stream(turn.stream_id) as stream:
            stream.wait_for("permission-request")
        return turn

    def abort(self, turn: StartedTurn) -> None:
        self.chat.abort(turn.stream_id)
        assert self.chat.read(turn).terminal.data["finish_reason"] == "aborted"


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostCheck]:
    """A server with the runtimes that are wrong in a turn or in a call."""
    runs = {prompt: statement for prompt, (statement, _) in RUNS.items()}
    returns = {prompt: value for prompt, (value, _) in RETURNS.items()}
    sources = {"odd": turn_source(runs, returns), "clerk": CLERK, "healthy": HEALTHY}
    folder = install_all(tmp_path_factory.mktemp("odd"), sources)
    environment = {
        "XO_PLUGINS": ",".join(["runtime_demo", *(f"plugin_{name}" for name in sources)]),
        # `/models/status` asks the default runtime
        "AGENT_NAME": "clerk",
    }
    with (
        LiveServer(environment=environment, python_path=[folder]) as server,
        closing(HostCheck(server)) as host_check,
    ):
        yield host_check


@pytest.fixture
def clerk(check: HostCheck) -> Iterator[Clerk]:
    clerk = Clerk(check)
    clerk.answer()
    yield clerk
    clerk.answer()


@pytest.mark.parametrize("prompt", [*RUNS, *RETURNS])
def test_a_turn_that_goes_wrong_ends_with_an_error_and_is_recorded(check, prompt):
    chat = Chat(check.server, "odd")
    turn = chat.run_turn(prompt, seconds=30)
    assert turn.terminal.event == "agent-error"
    assert turn.terminal.data["code"] == "internal"
    assert chat.active() == []
    (fault,) = check.assert_host_works()["plugin_odd"]["faults"]
    assert {**RUNS, **RETURNS}[prompt][1] in fault
    assert chat.run_turn("well", session_id=turn.session_id).text == "Well. "


@pytest.mark.parametrize(
    ("method", "value", "words"),
    [(method, *answer) for method, answers in calls.ANSWERS.items() for answer in answers],
)
def test_a_request_that_the_runtime_answers_wrongly_is_a_502(clerk, method, value, words):
    clerk.answer(**{method: value})
    verb, path, body = calls.REQUESTS[method]
    answer = clerk.http.request(verb, path, json=body)
    assert answer.status_code == 502, answer.text
    clerk.assert_fault(method, words)


@pytest.mark.parametrize(("value", "words"), calls.RESTARTS)
def test_a_gateway_that_is_not_restarted_is_told(clerk, value, words):
    clerk.answer(restart_gateway=value)
    answer = clerk.http.post("/gateway/restart")
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    clerk.assert_fault("restart_gateway", words)


@pytest.mark.parametrize(("value", "words"), calls.RAISING)
def test_an_answer_that_the_runtime_does_not_take_leaves_the_turn_to_be_aborted(
    clerk, value, words
):
    turn = clerk.ask()
    clerk.answer(answer=value)
    answer = clerk.chat.respond(turn.stream_id, "c", response=True)
    assert answer.status_code == (200 if "sleep" in value else 502), answer.text
    clerk.assert_fault("answer", words)
    clerk.abort(turn)


@pytest.mark.parametrize(("value", "words"), [*calls.RAISING, calls.INTERRUPT_HANGS])
def test_a_turn_whose_interrupt_fails_is_aborted_all_the_same(clerk, value, words):
    turn = clerk.ask()
    clerk.answer(interrupt=value)
    clerk.abort(turn)
    clerk.assert_fault("interrupt", words)
    assert clerk.chat.run_turn("well", session_id=turn.session_id).terminal.event == "done"


@pytest.mark.parametrize(("value", "words"), calls.RAISING)
def test_a_session_that_the_runtime_does_not_close_is_deleted_all_the_same(clerk, value, words):
    session_id = clerk.chat.run_turn("well").session_id
    clerk.answer(close_session=value)
    assert clerk.http.delete(f"/api/sessions/{session_id}").status_code == 200
    clerk.assert_fault("close_session", words)
    assert clerk.http.get(f"/api/sessions/{session_id}").status_code == 404


@pytest.mark.parametrize(("value", "words"), calls.RAISING[:-1])
def test_a_message_that_the_runtime_does_not_drop_stays(clerk, value, words):
    turn = clerk.chat.run_turn("well")
    before = clerk.chat.messages(turn.session_id)
    clerk.answer(drop=value)
    body = {"session_id": turn.session_id, "message_id": before[0]["id"], "text": "other"}
    assert clerk.http.post("/api/chat/edit", json=body).status_code == 502
    clerk.assert_fault("drop", words)
    assert clerk.chat.messages(turn.session_id) == before


@pytest.mark.parametrize(("value", "words"), calls.METHODS)
def test_a_connector_that_lists_no_ways_to_sign_in_is_listed_without(clerk, value, words):
    clerk.answer(sign_in_methods=value)
    assert clerk.office.row()["methods"] == []
    assert clerk.office.start({}).status_code == 502
    clerk.assert_fault("sign_in_methods", words)


@pytest.mark.parametrize(("value", "words"), calls.IDENTITIES)
def test_a_connector_that_cannot_identify_signs_nobody_in(clerk, value, words):
    clerk.answer(identify=value)
    clerk.office.start({"input": "key", "force": True})
    assert clerk.office.status()["status"] == "needs_auth"
    clerk.assert_fault("identify", words)


@pytest.mark.parametrize(("value", "words"), calls.RAISING)
def test_tokens_that_the_connector_does_not_revoke_are_deleted(clerk, value, words):
    assert clerk.office.connect(input="key")["state"] == "completed"
    clerk.answer(revoke=value)
    assert clerk.office.disconnect()["status"] == "needs_auth"
    clerk.assert_fault("revoke", words)


@pytest.mark.parametrize(("value", "words"), calls.ENVIRONMENTS)
def test_a_connector_that_gives_a_wrong_environment_gives_none(clerk, value, words):
    assert clerk.office.connect(input="key")["state"] == "completed"
    clerk.answer(turn_environment=value)
    assert clerk.chat.run_turn("well").terminal.event == "done"
    clerk.assert_fault("turn_environment", words)
    clerk.office.disconnect()


@pytest.mark.parametrize(("value", "words"), calls.MCP_SERVERS)
def test_a_connector_that_names_a_wrong_mcp_server_gives_agents_none(clerk, value, words):
    assert clerk.office.connect(input="key")["state"] == "completed"
    clerk.answer(mcp_server=value)
    assert clerk.chat.run_turn("well").terminal.event == "done"
    clerk.assert_fault("mcp_server", words)
    clerk.office.disconnect()


@pytest.mark.parametrize(("value", "words"), calls.GIT_HOSTS)
def test_a_connector_that_names_wrong_hosts_of_git_gives_agents_no_credentials(clerk, value, words):
    assert clerk.office.connect(input="key")["state"] == "completed"
    clerk.answer(git_hosts=value)
    assert clerk.chat.run_turn("well").terminal.event == "done"
    clerk.assert_fault("git_hosts", words)
    clerk.office.disconnect()
