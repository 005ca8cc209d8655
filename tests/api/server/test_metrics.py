"""`/metrics` counts what happens."""

from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually


def read_metric(server: LiveServer, name: str) -> float:
    """Return the value of a metric without labels."""
    lines = server.client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.split()[0] == name)


def test_turns_and_their_events_are_counted() -> None:
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}) as server:
        chat = Chat(server, "demo")
        assert read_metric(server, "xo_turns_total") == 0
        events = sum(len(chat.run_turn("text").frames) for _ in range(2))
        assert read_metric(server, "xo_turns_total") == 2
        # entries are counted when they are on disk, within a moment
        logged = lambda: read_metric(server, "xo_events_total") == events  # noqa: E731
        eventually(logged, 15, f"{events} events are counted")
        assert read_metric(server, "xo_turns_active") == 0
        assert read_metric(server, "xo_eventlog_failing") == 0
        running = chat.prompt("slow")
        assert read_metric(server, "xo_turns_active") == 1
        chat.abort(running.stream_id)
        assert (
            'xo_plugin{plugin="runtime_demo",state="ready"} 1' in server.client.get("/metrics").text
        )
