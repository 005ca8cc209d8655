"""The signed webhook: what it tells, its signature, and that nothing is lost or told twice."""

import base64
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.fakes.webhook_receiver import Received, WebhookReceiver
from tests.support.connectors.vault import install_vault, sign_in
from xo_cowork_core.sdk.testing import Chat, Connections, LiveServer, eventually

KEY = b"a key of thirty-two bytes or so!"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


@pytest.fixture
def server(receiver: WebhookReceiver, tmp_path: Path) -> Iterator[LiveServer]:
    environment = {
        "XO_PLUGINS": "runtime_demo,connector_vault",
        "XO_WEBHOOK_URL": receiver.url,
    }
    running = LiveServer(environment=environment, python_path=[install_vault(tmp_path / "vault")])
    running.state.mkdir(mode=0o700)
    set_secret(running, SECRET)
    yield running
    running.close()


def set_secret(server: LiveServer, secret: str) -> None:
    (server.state / "config.toml").write_text(f'XO_WEBHOOK_SECRET = "{secret}"\n')


def bodies(receiver: WebhookReceiver) -> list[dict[str, Any]]:
    """Return the bodies, each message once."""
    by_id = {each.headers["webhook-id"]: json.loads(each.body) for each in receiver.requests}
    return list(by_id.values())


def wait_for(receiver: WebhookReceiver, *types: str) -> list[dict[str, Any]]:
    """Wait until exactly messages of these types have come, in this order."""
    eventually(lambda: len(bodies(receiver)) >= len(types), 15, f"messages: {types}")
    assert [body["type"] for body in bodies(receiver)] == list(types)
    return bodies(receiver)


def check_signature(request: Received) -> None:
    """Compute the signature by the text of the specification, and verify it with its library."""
    message_id, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = f"{message_id}.{timestamp}.".encode() + request.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    Webhook(SECRET).verify(request.body, request.headers)


def test_turns_and_their_requests_are_told_without_content(
    server: LiveServer, receiver: WebhookReceiver
) -> None:
    server.start()
    chat = Chat(server, "demo")
    chat.run_and_answer("permission note.md planted-words", "permission-request", True)
    needed, finished = wait_for(receiver, "turn.input_needed", "turn.finished")
    assert needed["data"]["kind"] == "permission"
    assert needed["data"]["permission"] == "file_changes"
    assert finished["data"]["finish_reason"] == "stop"
    assert finished["data"]["error_code"] is None
    assert finished["data"]["stream_id"] == needed["data"]["stream_id"]
    assert finished["data"]["agent_name"] == "demo"
    chat.run_and_answer("question", "question", {})
    messages = wait_for(
        receiver, *["turn.input_needed", "turn.finished", "turn.input_needed", "turn.finished"]
    )
    assert messages[2]["data"]["kind"] == "question"
    chat.run_turn("error")
    eventually(lambda: len(bodies(receiver)) == 5, 15, "the failed turn is told")
    assert bodies(receiver)[4]["data"]["error_code"]
    for request in receiver.requests:
        assert b"planted-words" not in request.body
        assert request.headers["content-type"] == "application/json"
        check_signature(request)
    assert "planted-url-secret" not in server.log
    assert SECRET not in server.log


def test_a_connection_that_needs_a_person_is_told_and_so_is_its_recovery(
    server: LiveServer, receiver: WebhookReceiver
) -> None:
    (server.state / "vault.conf").write_text("[photos]\ntype = vault\nkey = revoked\n")
    server.start()
    (needed,) = wait_for(receiver, "connection.needs_reauth")
    assert (needed["data"]["connector"], needed["data"]["connection"]) == ("vault", "photos")
    assert needed["data"]["reason"] == "The service no longer accepts this sign-in."
    sign_in(Connections(server, "vault"), "key-new", "photos")
    _, recovered = wait_for(receiver, "connection.needs_reauth", "connection.recovered")
    assert recovered["data"]["state"] == "connected"
    # an ordinary sign-in needs nobody
    sign_in(Connections(server, "vault"), "key-other", "other")
    Chat(server, "demo").run_turn("text hello")
    wait_for(receiver, "connection.needs_reauth", "connection.recovered", "turn.finished")
    check_signature(receiver.requests[0])


def test_a_connection_that_ended_while_no_server_ran_is_told_once(
    server: LiveServer, receiver: WebhookReceiver
) -> None:
    ended = "2026-01-01T00:00:00Z"
    row = {"tokens": {"access_token": "key-old", "expires_at": ended}, "obtained_at": ended}
    folder = server.state / "connectors" / "tokens"
    folder.mkdir(parents=True)
    (folder / "vault.json").write_text(json.dumps({"version": 1, "connections": {"photos": row}}))
    server.start()
    (needed,) = wait_for(receiver, "connection.needs_reauth")
    assert needed["data"]["connection"] == "photos"
    assert needed["data"]["reason"] == "The sign-in has expired."
    server.restart()
    Chat(server, "demo").run_turn("text hello")
    wait_for(receiver, "connection.needs_reauth", "turn.finished")


def test_failures_are_repeated_with_the_same_id_and_order_is_kept(
    server: LiveServer, receiver: WebhookReceiver
) -> None:
    receiver.statuses.extend([500, 302])
    server.start()
    chat = Chat(server, "demo")
    streams = [chat.run_turn("text hello").stream_id for _ in range(2)]
    messages = wait_for(receiver, "turn.finished", "turn.finished")
    assert [body["data"]["stream_id"] for body in messages] == streams
    ids = [each.headers["webhook-id"] for each in receiver.requests]
    assert len(ids) == 4
    assert ids[0] == ids[1] == ids[2] != ids[3]
    for request in receiver.requests:
        check_signature(request)
    assert "the receiver answered with status 500" in server.log
    text = server.client.get("/metrics").text
    assert 'xo_webhook_attempts_total{result="failed"} 2.0' in text
    eventually(
        lambda: "xo_webhook_backlog 0.0" in server.client.get("/metrics").text, 15, "all are sent"
    )


def test_a_refused_notice_holds_up_no_later_one(
    server: LiveServer, receiver: WebhookReceiver
) -> None:
    receiver.refused[b'"error_code":"upstream"'] = 400
    server.start()
    chat = Chat(server, "demo")
    failed = chat.run_turn("error").stream_id
    finished = [chat.run_turn("text hello").stream_id for _ in range(2)]
    eventually(lambda: len(bodies(receiver)) == 3, 15, "the later notices are sent")
    assert [body["data"]["stream_id"] for body in bodies(receiver)] == [failed, *finished]
    eventually(lambda: stored_notices(server) == 1, 15, "the refused one alone is kept")
    text = server.client.get("/metrics").text
    assert 'xo_webhook_attempts_total{result="delivered"} 2.0' in text
    assert 'xo_webhook_attempts_total{result="dropped"} 0.0' in text


def stored_notices(server: LiveServer) -> int:
    """Return the number of notices in the queue on disk."""
    with closing(sqlite3.connect(f"file:{server.state / 'state.db'}?mode=ro", uri=True)) as state:
        return int(state.execute("SELECT COUNT(*) FROM webhook_messages").fetchone()[0])


def test_a_kill_loses_no_queued_notice(server: LiveServer, receiver: WebhookReceiver) -> None:
    receiver.hold.clear()
    server.start()
    chat = Chat(server, "demo")
    streams = [chat.run_turn("text hello").stream_id for _ in range(3)]
    eventually(lambda: stored_notices(server) == 3, 15, "all are stored")
    server.kill()
    receiver.hold.set()
    server.start()
    messages = wait_for(receiver, "turn.finished", "turn.finished", "turn.finished")
    assert [body["data"]["stream_id"] for body in messages] == streams


def test_a_receiver_that_is_gone_gets_no_more_until_the_settings_change(
    server: LiveServer, receiver: WebhookReceiver
) -> None:
    receiver.statuses.append(410)
    server.start()
    chat = Chat(server, "demo")
    chat.run_turn("text hello")
    eventually(lambda: "wants no more notices" in server.log, 10, "it is heeded")
    assert "xo_webhook_disabled 1.0" in server.client.get("/metrics").text
    chat.run_turn("text hello")
    server.kill()
    server.start()
    eventually(lambda: server.log.count("wants no more notices") == 2, 10, "it is remembered")
    chat.run_turn("text hello")
    server.terminate()
    assert len(receiver.requests) == 1
    set_secret(server, "another one")
    server.start()
    stream_id = chat.run_turn("text hello").stream_id
    eventually(lambda: len(receiver.requests) == 2, 15, "it is asked again")
    assert json.loads(receiver.requests[1].body)["data"]["stream_id"] == stream_id
    assert "xo_webhook_disabled 0.0" in server.client.get("/metrics").text


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [
        ("http://hooks.example/xo?k=planted-url-secret", SECRET, "XO_WEBHOOK_URL"),
        ("https://user:planted-url-secret@hooks.example/", SECRET, "XO_WEBHOOK_URL"),
        ("https://hooks.example/planted-url-secret", "", "XO_WEBHOOK_URL needs XO_WEBHOOK_SECRET"),
    ],
)
def test_a_wrong_address_stops_the_start_and_is_not_shown(
    url: str, secret: str, words: str
) -> None:
    environment = {"XO_WEBHOOK_URL": url, "XO_WEBHOOK_SECRET": secret, "XO_PLUGINS": "none"}
    with pytest.raises(AssertionError) as error, LiveServer(environment=environment):
        pass
    assert words in str(error.value)
    assert "planted-url-secret" not in str(error.value)
