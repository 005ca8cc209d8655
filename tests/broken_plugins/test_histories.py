"""A session that its plugin can't read is an error of its own, and hides no other."""

import json

import pytest

from xo_cowork_core.sdk.testing import eventually


def write(folder, name, **line):
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def listed(found):
    return {row["id"] for row in found.client.get("/api/sessions").json()["sessions"]}


def assert_unreadable(found, session_id):
    for route in (f"messages/{session_id}", f"sessions/{session_id}/export-md"):
        answer = found.client.get(f"/api/{route}")
        assert answer.status_code == 502, answer.text
        assert "could not" in answer.json()["detail"]
        assert "planted" not in answer.text
    assert found.client.get(f"/api/sessions/{session_id}").json()["id"] == session_id


@pytest.mark.parametrize("fault", ["raise", "leave"])
def test_an_unreadable_transcript_is_502_and_hides_no_other(serve_plugin, fault):
    found = serve_plugin("breaks_history")
    folder = found.server.home / ".torn"
    for name in ("sound", "worse"):
        write(folder, name, text="good words")
    (folder / "fault").write_text(fault)
    eventually(lambda: {"sound", "worse"} <= listed(found), 10, "both are listed")
    write(folder, "worse", text="bad words", fault=fault)
    # first from the index as it was, then without it
    assert_unreadable(found, "worse")
    eventually(lambda: "worse" not in listed(found), 10, "it is left out")
    assert_unreadable(found, "worse")
    assert "sound" in listed(found)
    assert found.client.get("/api/messages/sound").json()["total"] == 1
    found.assert_others_work()


def test_a_store_that_breaks_at_one_session_still_lists_the_others(serve_plugin):
    found = serve_plugin("breaks_history")
    all_three = {"sour-sound", "sour-raise", "sour-leave"}
    eventually(lambda: all_three <= listed(found), 15, "all are listed")
    for session_id in ("sour-raise", "sour-leave"):
        assert_unreadable(found, session_id)
    assert found.client.get("/api/messages/sour-sound").json()["total"] == 1
    search = "/api/sessions/search?q=sound"
    eventually(lambda: found.client.get(search).json()["total"] >= 1, 15, "it is found")
    found.assert_others_work()
