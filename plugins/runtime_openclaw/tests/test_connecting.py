"""Gateways that start, speak another protocol, or refuse: clear errors, or turns over HTTP."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from tests.fakes.openclaw_gateway.openclaw_prompts import environment, fake_openclaw, gateway, say
from tests.support.answers import wait_for_state
from xo_cowork_core.sdk.testing import Chat, LiveServer
from xo_cowork_core.sdk.testing.history import texts

BUSY_SECONDS = 1.5


@contextmanager
def talking(folder: Path, condition: str, **more: str) -> Iterator[Chat]:
    """Talk to a server whose gateway is in this condition."""
    with gateway(fake_openclaw(folder), folder, 9, condition) as running:
        values = {"XO_PLUGINS": "runtime_openclaw", **environment(running.url), **more}
        with LiveServer(environment=values) as server:
            yield Chat(server, "openclaw")


def health(chat: Chat) -> dict[str, object]:
    health = chat.http.get("/health").json()["runtimes"]["openclaw"]
    assert isinstance(health, dict)
    return health


def test_a_starting_gateway_is_waited_for_by_the_client(tmp_path: Path) -> None:
    with talking(tmp_path, "starting") as chat:
        begun = time.monotonic()
        refused = chat.send(say("Now?"))
        assert time.monotonic() - begun < 10
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert health(chat)["state"] == "starting"


def test_a_busy_gateway_is_waited_for(tmp_path: Path) -> None:
    with gateway(fake_openclaw(tmp_path), tmp_path, 9) as running:
        assert running.process
        # the kernel accepts its connections meanwhile
        os.kill(running.process.pid, signal.SIGSTOP)
        goes_on = Timer(BUSY_SECONDS, os.kill, (running.process.pid, signal.SIGCONT))
        values = {"XO_PLUGINS": "runtime_openclaw", **environment(running.url)}
        with LiveServer(environment=values) as server:
            goes_on.start()
            assert Chat(server, "openclaw").run_turn(say("Late.")).text == "Late."
        goes_on.join()


def test_a_prompt_that_the_gateway_skips_is_sent_again(tmp_path: Path) -> None:
    with talking(tmp_path, "recovering") as chat:
        turn = chat.run_turn(say("Only once."))
        assert turn.text == "Only once."
        assert turn.terminal.event == "done"
        asked = texts(chat.messages(turn.session_id), "user")
        assert asked == [say("Only once.")]


def test_another_protocol_falls_back_to_http(tmp_path: Path) -> None:
    with talking(tmp_path, "newer") as chat:
        wait_for_state(chat.server, "openclaw", "degraded")
        turn = chat.run_turn(say("Plain words."))
        assert turn.text == "Plain words."
        assert turn.terminal.event == "done"
        assert turn.terminal.data["tokens"]["output"] == 2  # type: ignore[index]
        again = chat.run_turn(say("More."), session_id=turn.session_id)
        assert again.text == "More."
        assert texts(chat.messages(turn.session_id), "user")[0] == say("Plain words.")


def test_an_error_in_the_stream_of_the_fallback_is_reported(tmp_path: Path) -> None:
    with talking(tmp_path, "newer") as chat:
        turn = chat.run_turn("[[error 429]]")
        assert turn.terminal.event == "agent-error"
        assert turn.terminal.data["code"] == "rate_limit"
        assert "429" in str(turn.terminal.data["error_message"])


def test_a_turn_of_the_fallback_stops(tmp_path: Path) -> None:
    with talking(tmp_path, "newer") as chat:
        turn = chat.prompt("[[text n=600 delay=0.1 slow]]")
        with chat.stream(turn.stream_id) as stream:
            stream.wait_for("text-delta")
            chat.abort(turn.stream_id)
            assert stream.rest()[-1].data["finish_reason"] == "aborted"


def test_a_token_in_the_gateways_own_configuration_is_found(tmp_path: Path) -> None:
    with gateway(fake_openclaw(tmp_path), tmp_path, 9) as running:
        values = {"XO_PLUGINS": "runtime_openclaw", "OPENCLAW_GATEWAY_URL": running.url}
        server = LiveServer(environment=values)
        try:
            (server.home / ".openclaw").symlink_to(running.home / ".openclaw")
            server.start()
            assert Chat(server, "openclaw").run_turn(say("Found it.")).text == "Found it."
        finally:
            server.close()


def test_the_gateways_address_may_be_given_as_a_page(tmp_path: Path) -> None:
    with gateway(fake_openclaw(tmp_path), tmp_path, 9) as running:
        page = running.url.replace("ws://", "http://")
        with LiveServer(environment={"XO_PLUGINS": "runtime_openclaw", **environment(page)}) as it:
            assert Chat(it, "openclaw").run_turn(say("Hello.")).text == "Hello."


def test_no_token_is_named(tmp_path: Path) -> None:
    with talking(tmp_path, "", OPENCLAW_GATEWAY_TOKEN="") as chat:
        wait_for_state(chat.server, "openclaw", "needs_auth")
        assert "none is set" in chat.send(say("Hello?")).text
