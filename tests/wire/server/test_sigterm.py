"""SIGTERM with open streams: each ends with a terminal event, nothing is left, exit code 0."""

import os
import signal
import threading

from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually

LIMIT_SECONDS = 25


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
        # not by `terminate`, which closes the client that reads
        os.kill(server.pid, signal.SIGTERM)
        eventually(lambda: not server.running, LIMIT_SECONDS, "the server has ended")
        for thread in threads:
            thread.join(20)
        assert server.terminate() == 0
        assert endings == ["restart"] * len(threads)
        eventually(lambda: not any(child.is_alive for child in children), 15, "nothing is left")
        assert "Traceback" not in server.log
