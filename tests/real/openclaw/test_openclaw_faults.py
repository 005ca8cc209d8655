"""What becomes of a turn when its gateway, its connection or its model fails."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.fakes.openclaw_gateway.openclaw_prompts import GatewayProcess, first_refusal, say, tool
from tests.fakes.openclaw_gateway.tcp_proxy import TcpProxy
from xo_cowork_core.sdk.testing import Chat, Recording
from xo_cowork_core.sdk.testing.process_tree import descendants, eventually

OpenChat = Callable[..., Chat]
# the first test's time has the start of the gateway in it
pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
# a gateway that was restarted with many sessions is slow for minutes
RESTARTS_GATEWAY = True
SLOW = "[[text n=300 delay=0.1 slow]]"
DOWN_SECONDS = 5.0
UP_SECONDS = 20.0
RESTART_SECONDS = 150.0
WORDS = " ".join(f"w{number}" for number in range(60))


def failed(turn: Recording, code: str) -> str:
    """Check that a turn ended once, in this error, and return its text."""
    assert turn.terminal.event == "agent-error"
    assert turn.terminal is turn.frames[-1]
    assert turn.terminal.data["code"] == code
    return str(turn.terminal.data["error_message"])


def goes_on(chat: Chat, session_id: str) -> None:
    """Check that a session takes another turn."""
    again = chat.run_turn(say("Still here."), session_id=session_id)
    assert again.text == "Still here."


def _runs(openclaw: GatewayProcess, command: str) -> bool:
    assert openclaw.process
    return any(command in child.command for child in descendants(openclaw.process.pid))


class TestGateway:
    """The gateway dies or restarts."""

    def test_a_killed_gateway_ends_its_turns(
        self,
        open_chat: OpenChat,
        openclaw: GatewayProcess,
    ) -> None:
        if openclaw.real:
            pytest.skip("test_openclaw_managed.py kills the real one")
        chat = open_chat(OPENCLAW_CLI_PATH=str(openclaw.binary))
        in_text = chat.prompt(SLOW)
        in_tool = chat.prompt(f"{tool('exec', command='sleep 60')} {say('no')}")
        turns = (in_text, in_tool)
        try:
            with chat.stream(in_text.stream_id) as text, chat.stream(in_tool.stream_id) as call:
                call.wait_for("tool-call")
                text.wait_for("text-delta")
                openclaw.kill()
                for turn, stream in ((in_text, text), (in_tool, call)):
                    ended = Recording(turn.stream_id, turn.session_id, stream.rest(30))
                    assert "went away" in failed(ended, "crashed")
            for turn in turns:
                begun = time.monotonic()
                refused = chat.send(say("Anybody?"), session_id=turn.session_id)
                assert time.monotonic() - begun < DOWN_SECONDS
                assert refused.status_code == 503
                assert "openclaw gateway run" in refused.text
        finally:
            openclaw.start()
        eventually(lambda: chat.send(say("Up?")).status_code == 200, UP_SECONDS, "it takes turns")
        openclaw.warm_up()
        for turn in turns:
            goes_on(chat, turn.session_id)
            texts = [str(message["text"]) for message in chat.messages(turn.session_id)]
            assert not any("[System]" in text for text in texts)

    def test_a_restart_lets_running_turns_finish_and_waits_for_the_next(
        self,
        open_chat: OpenChat,
        openclaw: GatewayProcess,
    ) -> None:
        if not openclaw.real:
            pytest.skip("the fake cannot restart")
        chat = open_chat(AGENT_NAME="openclaw")
        turn = chat.prompt("[[text n=50 delay=0.1 slow]]")
        begun = time.monotonic()
        with ThreadPoolExecutor(1) as pool, chat.stream(turn.stream_id) as stream:
            stream.wait_for("text-delta")
            restart = pool.submit(chat.http.post, "/gateway/restart", timeout=RESTART_SECONDS)
            ended = Recording(turn.stream_id, turn.session_id, stream.rest(60))
            refused = first_refusal(chat)
            answer = restart.result().json()
        try:
            assert answer["status"] == "restarted", answer
        except AssertionError:
            # a gateway that hangs in a restart must not cost the tests after this one
            openclaw.kill()
            openclaw.start()
            raise
        ready = httpx.get(f"http://127.0.0.1:{openclaw.port}/readyz", timeout=UP_SECONDS).json()
        assert ready["ready"] is True
        # it is another start than the one before the request
        assert ready["uptimeMs"] / 1000 < time.monotonic() - begun
        assert ended.terminal.event == "done"
        assert len(ended.text.split()) >= 49
        assert refused.status_code == 503
        assert refused.headers["Retry-After"]
        eventually(lambda: chat.send(say("Up?")).status_code == 200, UP_SECONDS, "it takes turns")
        openclaw.warm_up()
        goes_on(chat, turn.session_id)


class TestConnection:
    """The connection breaks, or is refused."""

    @pytest.mark.parametrize("seconds", [0, 2, 5], ids=["short", "over the tool", "over the end"])
    def test_a_cut_connection_loses_and_doubles_nothing(
        self, open_chat: OpenChat, openclaw: GatewayProcess, seconds: float
    ) -> None:
        with TcpProxy(openclaw.port) as proxy:
            chat = open_chat(OPENCLAW_GATEWAY_URL=f"ws://127.0.0.1:{proxy.port}")
            prompt = (
                f"[[text n=15 delay=0.1 before && {tool('exec', command='sleep 1')[2:]}"
                " [[text n=30 delay=0.1 after]]"
            )
            turn = chat.prompt(prompt)
            with chat.stream(turn.stream_id) as stream:
                stream.wait_for("text-delta")
                proxy.drop_connections()
                stream.wait_for("tool-call")
                proxy.refuse_for(seconds)
                ended = Recording(turn.stream_id, turn.session_id, stream.rest())
            assert proxy.dropped >= 2
            assert ended.terminal.event == "done"
            assert ended.text.split() == ["before"] * 15 + ["after"] * 30
            assert len(ended.bodies("tool-call")) == len(ended.bodies("tool-result")) == 1
            goes_on(chat, turn.session_id)

    def test_an_abort_outlasts_a_cut(self, open_chat: OpenChat, openclaw: GatewayProcess) -> None:
        command = "sleep 613"
        with TcpProxy(openclaw.port) as proxy, ThreadPoolExecutor(1) as pool:
            chat = open_chat(OPENCLAW_GATEWAY_URL=f"ws://127.0.0.1:{proxy.port}")
            turn = chat.prompt(f"{tool('exec', command=command)} {say('no')}")
            eventually(lambda: _runs(openclaw, command), 30, "the command runs")
            before = proxy.dropped
            cut = pool.submit(proxy.refuse_for, 2.0)
            eventually(lambda: proxy.dropped > before, 10, "the connection is cut")
            chat.abort(turn.stream_id)
            cut.result()
            assert chat.read(turn).terminal.data["finish_reason"] == "aborted"
            eventually(lambda: not _runs(openclaw, command), 5, "the command is ended")

    def test_a_turn_that_ended_while_disconnected_is_sent_in_full(
        self,
        open_chat: OpenChat,
        openclaw: GatewayProcess,
    ) -> None:
        with TcpProxy(openclaw.port) as proxy:
            chat = open_chat(OPENCLAW_GATEWAY_URL=f"ws://127.0.0.1:{proxy.port}")
            turn = chat.prompt("[[text n=8 delay=0.1 slow]]")
            with chat.stream(turn.stream_id) as stream:
                stream.wait_for("text-delta")
                proxy.refuse_for(2.0)
                ended = Recording(turn.stream_id, turn.session_id, stream.rest())
            assert ended.text.split() == ["slow"] * 8
            assert ended.terminal.event == "done"

    def test_a_wrong_token_is_named(self, open_chat: OpenChat) -> None:
        chat = open_chat(OPENCLAW_GATEWAY_TOKEN="wrong")
        # a gateway that has just started may be too busy to answer in time
        eventually(
            lambda: "does not accept this token" in chat.send(say("Hello?")).text,
            UP_SECONDS,
            "the reason is given",
        )
        refused = chat.send(say("Hello?"))
        assert refused.status_code == 503
        assert "wrong" not in refused.text
        health = chat.http.get("/health").json()["runtimes"]["openclaw"]
        assert health["state"] == "needs_auth"

    def test_an_absent_gateway_is_named_at_once(self, open_chat: OpenChat) -> None:
        chat = open_chat(OPENCLAW_GATEWAY_URL="ws://127.0.0.1:9")
        begun = time.monotonic()
        refused = chat.send(say("Hello?"))
        assert time.monotonic() - begun < DOWN_SECONDS
        assert refused.status_code == 503
        assert "No OpenClaw gateway answers" in refused.text


class TestModel:
    """The model's side fails."""

    def test_a_refused_key_is_reported_as_auth(self, open_chat: OpenChat) -> None:
        chat = open_chat()
        turn = chat.run_turn("[[error 401]]", model="refused/model-1")
        texts = failed(turn, "auth")
        assert "401" in texts
        assert "openclaw models auth" in texts
        again = chat.run_turn(say("Better."), session_id=turn.session_id, model="fake/model-1")
        assert again.text == "Better."

    @pytest.mark.parametrize(
        ("seconds", "errors"),
        [
            # the gateway repeats a refused request before it gives up: at once, they wait once
            (
                30,
                {
                    "[[error 429]]": ("rate_limit", "rate limit"),
                    "[[error 500]]": ("upstream", "500"),
                    "[[cut n=3 some words]]": ("timeout", "timed out"),
                },
            ),
            (10, {"[[silence 40]]": ("timeout", "no progress")}),
        ],
        ids=["refusals", "silence"],
    )
    def test_a_model_error_keeps_its_text(
        self, open_chat: OpenChat, seconds: int, errors: Mapping[str, tuple[str, str]]
    ) -> None:
        chat = open_chat(OPENCLAW_TIMEOUT=str(seconds))
        turns = {prompt: chat.prompt(prompt) for prompt in errors}
        for prompt, (code, words) in errors.items():
            stream_id, session_id = turns[prompt].stream_id, turns[prompt].session_id
            with chat.stream(stream_id) as stream:
                ended = Recording(stream_id, session_id, stream.rest(2 * seconds))
            assert words in failed(ended, code)
            assert ended.text.strip() in {"", "some words some"}
        chat.server.restart()
        for turn in turns.values():
            goes_on(chat, turn.session_id)


class TestAgents:
    """Agents that are none."""

    def test_an_unknown_agent_leaves_no_trace_in_the_gateway(
        self,
        chat: Chat,
        openclaw: GatewayProcess,
    ) -> None:
        answer = chat.send(say("Boo."), agent_id="ghost")
        assert answer.status_code == 200
        assert not [path for path in openclaw.home.rglob("*ghost*") if "agents" in path.parts]
        assert not list(openclaw.home.rglob("workspace-ghost"))
