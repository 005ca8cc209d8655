"""Transcripts that a plugin can't find, or whose plugin is late, cost the index nothing else."""

import time

import pytest

from tests.broken_plugins.test_histories import listed, write
from xo_cowork_core.sdk.testing import Chat, eventually

STORE_SECONDS = 30.0  # a lookup has 2 s; the store in question waits for 60 s


def words(found, text):
    return found.client.get("/api/sessions/search", params={"q": text}).json()["total"]


@pytest.mark.parametrize("fault", ["no-folders", "no-names"])
def test_a_plugin_that_cannot_find_its_files_does_not_end_the_index(serve_plugin, fault):
    found = serve_plugin("loses_its_files")
    folder = found.server.home / ".lost"
    write(folder, "first", text="good words")
    eventually(lambda: "first" in listed(found), 10, "it is listed")
    (folder / fault).touch()
    write(folder, "second", text="more words")
    neighbour = Chat(found.server, "neighbour")
    turn = neighbour.run_turn("a numbat")
    eventually(lambda: turn.session_id in listed(found), 10, "the neighbour's is listed")
    assert words(found, "numbat") == 1
    (folder / fault).unlink()
    eventually(lambda: {"first", "second"} <= listed(found), 10, "all are listed")
    found.assert_others_work()


def test_figures_that_are_none_do_not_end_the_index(serve_plugin):
    found = serve_plugin("loses_its_files")
    spent = Chat(found.server, "spender").run_turn("a quoll")
    eventually(lambda: spent.session_id in listed(found), 10, "the spender's is listed")
    turn = Chat(found.server, "neighbour").run_turn("a numbat")
    eventually(lambda: turn.session_id in listed(found), 10, "the neighbour's is listed")
    assert found.client.get("/api/usage").status_code == 200
    assert words(found, "numbat") == 1


def test_sessions_of_a_plugin_that_is_late_are_there_from_the_start(serve_plugin):
    found = serve_plugin("loses_its_files")
    folder = found.server.home / ".lost"
    write(folder, "first", text="good words")
    eventually(lambda: "first" in listed(found), 10, "it is listed")
    (folder / "late").touch()
    found.server.restart()
    found.client = found.server.client
    assert found.record("plugin_broken")["state"] == "starting"
    write(folder, "second", text="other words")
    eventually(lambda: {"first", "second"} <= listed(found), 10, "both are listed")
    assert found.record("plugin_broken")["state"] == "starting"
    (folder / "late").unlink()
    eventually(lambda: found.record("plugin_broken")["state"] == "ready", 10, "it is up")
    assert {"first", "second"} <= listed(found)


def test_a_store_that_hangs_at_an_unknown_session_is_not_waited_for(serve_plugin):
    found = serve_plugin("loses_its_files")
    write(found.server.home / ".lost", "hangs", text="x")
    (found.server.home / ".lost" / "hangs").touch()
    started = time.monotonic()
    assert found.client.get("/api/sessions/nobody", timeout=60).status_code == 404
    assert time.monotonic() - started < STORE_SECONDS
