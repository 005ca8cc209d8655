"""SIGTERM with open streams: each ends with a terminal event, nothing is left, exit code 0."""

import threading
import time

from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

LIMIT_SECONDS = 12


def test_open_streams_end_with_a_terminal_event_and_the_server_with_exit_code_0() -> None:
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}) as server:
        chat = Chat(server, "demo")
        turns = [chat.prompt("slow 60"), chat.prompt("permission"), chat.prompt("silent 60")]
        endings: list[str] = []

        def read(stream_id: str) -> None:
            with chat.stream(stream_id) as stream:
                endings.append(str(stream.wait_for("agent-error").data["code"]))

        # two readers each
        threads = [
            threading.Thread(target=read, args=(turn.stream_id,)) for turn in turns for _ in "ab"
        ]
        for thread in threads:
            thread.start()
        eventually(lambda: len(chat.active()) == len(turns), 10, "all turns run")
        children = server.descendants()
        start = time.perf_counter()
        assert server.terminate() == 0
        assert time.perf_counter() - start < LIMIT_SECONDS
        for thread in threads:
            thread.join(5)
        assert endings == ["restart"] * len(threads)
        assert not [child for child in children if child.is_alive]
        assert "Traceback" not in server.log
