"""The table of uploads."""

import pytest

from xo_cowork_core.sdk import Conflict, NotFound, Unavailable
from xo_lib_rclone.uploads import MAX_UPLOADS, Uploads


def test_an_id_is_taken_while_its_upload_runs() -> None:
    uploads = Uploads()
    first = uploads.begin("work", "a", "mine", 3)
    with pytest.raises(Conflict):
        uploads.begin("work", "b", "mine", 3)
    uploads.end(first, Unavailable("The service is down."))
    assert (first.state, first.error) == ("failed", "The service is down.")
    assert uploads.begin("work", "b", "mine", 3).path == "b"


def test_ended_uploads_are_dropped_and_running_ones_are_not() -> None:
    uploads = Uploads()
    running = uploads.begin("work", "running", "running", None)
    for number in range(2 * MAX_UPLOADS):
        uploads.end(uploads.begin("work", "a", f"up-{number}", None))
    assert len(uploads.of("work")) == MAX_UPLOADS
    assert uploads.find("work", "running") is running
    assert uploads.find("work", f"up-{2 * MAX_UPLOADS - 1}").state == "completed"
    for remote, upload_id in (("work", "up-0"), ("home", "running")):
        with pytest.raises(NotFound):
            uploads.find(remote, upload_id)
