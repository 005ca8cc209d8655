"""After a crash, a reader that may have seen lost entries gets a `desync`."""

import pytest

from tests.support.saved_entries import wait_until_saved
from xo_cowork_core.sdk.testing import Chat, LiveServer

pytestmark = pytest.mark.fault


def test_ids_that_a_restart_gave_are_no_proof_of_having_read_them(server: LiveServer) -> None:
    chat = Chat(server, "demo")
    turn = chat.prompt("permission")
    with chat.stream(turn.stream_id) as stream:
        asked = stream.wait_for("permission-request")
    assert asked.id
    wait_until_saved(server, turn.stream_id, asked.id)
    server.kill()
    server.start()
    whole = chat.read(turn).frames
    assert [frame.event for frame in whole[-2:]] == ["permission-resolved", "agent-error"]
    given = [frame.id for frame in whole[-2:]]
    for seen in (given[0], given[1], given[1] + 5):
        with chat.stream(turn.stream_id, after=seen) as stream:
            again = stream.rest()
        assert [frame.event for frame in again] == ["desync", "permission-resolved", "agent-error"]
        assert [frame.id for frame in again[1:]] == given
    with chat.stream(turn.stream_id, after=given[0] - 1) as stream:
        assert [frame.id for frame in stream.rest()] == given
