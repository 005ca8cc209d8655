"""Cases: a runtime is signed in through the server, or says that it can't be."""

from typing import Any

from xo_cowork_core.sdk.testing.chat import Chat
from xo_cowork_core.sdk.testing.contract.cases import STOP_SECONDS, Cases
from xo_cowork_core.sdk.testing.contract.configuration import plugin_of
from xo_cowork_core.sdk.testing.contract.skips import skip_without
from xo_cowork_core.sdk.testing.process_tree import eventually
from xo_cowork_core.sdk.testing.subject import RuntimeSubject

START_SECONDS = 60.0


class SignInCases(Cases):
    """The routes of a runtime's sign-in."""

    def test_the_ways_to_sign_in_are_listed(self, chat: Chat, subject: RuntimeSubject) -> None:
        path = _path(subject)
        if "logs_in" not in plugin_of(chat, subject)[1]:
            answers = [chat.http.get(path), chat.http.post(path)]
            assert [answer.status_code for answer in answers] == [501, 501]
            return skip_without("sign-in")
        body = chat.http.get(path).json()
        assert body["runtime"] == subject.agent_name
        ids = [method["id"] for method in body["methods"]]
        assert ids
        assert len(set(ids)) == len(ids)
        assert all(method["title"].strip() for method in body["methods"])
        assert body["flow"] is None
        assert chat.http.post(path, json={"method": "no such method"}).status_code == 400
        assert chat.http.get(f"{path}/unknown").status_code == 404
        return None

    def test_two_clients_share_a_sign_in_and_a_cancel_ends_its_programs(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if not subject.signs_in:
            return skip_without("sign-in that gets as far as a prompt")
        flow = _start(chat, subject)
        assert flow["authorize_url"] or flow["verification_uri"] or flow["needs_input"]
        assert _start(chat, subject)["flow_id"] == flow["flow_id"]
        path = f"{_path(subject)}/{flow['flow_id']}"
        assert chat.http.get(path).json()["state"] == "awaiting_user"
        assert chat.http.delete(path).json()["state"] == "cancelled"
        assert chat.http.delete(path).json()["state"] == "cancelled"
        eventually(
            lambda: not self.leftover_commands(chat, subject), STOP_SECONDS, "no program is left"
        )
        return None

    def test_a_killed_server_leaves_no_sign_in_program_and_says_what_became_of_it(
        self, chat: Chat, subject: RuntimeSubject
    ) -> None:
        if not subject.signs_in:
            return skip_without("sign-in that gets as far as a prompt")
        flow = _start(chat, subject)
        chat.server.kill()
        processes = chat.server.seen_processes
        chat.server.start()
        assert not [process for process in processes if process.is_alive]
        path = f"{_path(subject)}/{flow['flow_id']}"
        after = chat.http.get(path).json()
        if after["state"] == "awaiting_user":  # as of a device code that the host polls
            assert chat.http.delete(path).json()["state"] == "cancelled"
            return None
        assert (after["state"], after["error"]["code"]) == ("failed", "restarted")
        return None


def _path(subject: RuntimeSubject) -> str:
    return f"/api/runtimes/{subject.agent_name}/sign-in"


def _start(chat: Chat, subject: RuntimeSubject) -> dict[str, Any]:
    answer = chat.http.post(_path(subject), timeout=START_SECONDS)
    assert answer.status_code == 202, answer.text
    path = f"{_path(subject)}/{answer.json()['flow_id']}"
    # on a busy machine the program may take longer to its prompt than the answer waits
    eventually(
        lambda: chat.http.get(path).json()["state"] != "starting", START_SECONDS, "it is started"
    )
    flow: dict[str, Any] = chat.http.get(path).json()
    return flow
