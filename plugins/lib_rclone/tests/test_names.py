"""Names and paths that clients send."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xo_cowork_core.sdk import BadRequest
from xo_lib_rclone.names import (
    check_entry_path,
    check_filename,
    check_path,
    check_remote_name,
    check_upload_id,
)

PLAIN = frozenset(string.ascii_lowercase + string.digits + "_-")
TEXTS = st.text(alphabet=st.sampled_from("ab/.:,-_A \n\0．é\ud800"), max_size=12)  # noqa: RUF001


@given(TEXTS)
def test_a_name_that_passes_can_be_no_connection_string(text: str) -> None:
    try:
        name = check_remote_name(text)
    except BadRequest:
        return
    assert name == text
    assert set(name) <= PLAIN
    assert 1 <= len(name) <= 32


@given(TEXTS)
def test_a_path_that_passes_stays_inside_its_remote(text: str) -> None:
    try:
        path = check_path(text)
    except BadRequest:
        return
    segments = path.split("/") if path else []
    assert all(segment not in {"", ".", "..", "．", "．．"} for segment in segments)  # noqa: RUF001
    assert path.isprintable()
    assert check_path(path) == path
    assert check_path(f"/{path}") == path


@given(TEXTS)
def test_a_filename_that_passes_is_one_segment_of_a_path(text: str) -> None:
    try:
        name = check_filename(text)
    except BadRequest:
        return
    assert check_entry_path(name) == name
    assert "/" not in name


@pytest.mark.parametrize("path", ["", "/"])
def test_the_root_is_no_entry(path: str) -> None:
    assert check_path(path) == ""
    with pytest.raises(BadRequest):
        check_entry_path(path)


@pytest.mark.parametrize("upload_id", ["", "a b", "x" * 65, "../x"])
def test_an_upload_id_is_a_plain_word(upload_id: str) -> None:
    with pytest.raises(BadRequest):
        check_upload_id(upload_id)
    assert check_upload_id("Upload_1-a") == "Upload_1-a"
