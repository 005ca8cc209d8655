"""What rclone gets of a body, and when."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import BadRequest
from xo_lib_rclone.files import Entry
from xo_lib_rclone.transfers import READ_AHEAD_BYTES, Transfers
from xo_lib_rclone.uploads import Upload

STORED = Entry("a.bin", "a.bin", False, 0, None, "id", "")


class Recorder:
    """Stands in for the remotes, the files and rclone; keeps the multipart bodies."""

    log = logging.getLogger("test")

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def prepare(self, _: str, **__: object) -> None: ...

    async def run(self, _: str, operation: Callable[[], Awaitable[None]]) -> None:
        await operation()

    async def find(self, _: str, __: str) -> Entry:
        return STORED

    async def forget_folders(self) -> None: ...

    async def send_file(
        self, _: str, __: str, content: AsyncIterator[bytes], content_type: str
    ) -> None:
        self.bodies.append(b"")
        async for chunk in content:
            self.bodies[-1] += chunk
        assert content_type.startswith("multipart/form-data; boundary=")


async def body(*chunks: bytes, is_cut: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if is_cut:
        raise BadRequest("The body broke off.")


async def upload(recorder: Recorder, content: AsyncIterator[bytes]) -> Upload:
    progress = Upload("id", "work", "a.bin")
    stub = cast("Any", recorder)
    transfers = Transfers(stub, stub, stub, stub)
    await transfers.upload(progress, "", "a.bin", content)
    return progress


@in_event_loop
async def test_a_small_body_that_is_cut_never_reaches_rclone() -> None:
    recorder = Recorder()
    with pytest.raises(BadRequest):
        await upload(recorder, body(b"x" * 1000, b"y" * (READ_AHEAD_BYTES - 1001), is_cut=True))
    assert recorder.bodies == []


@in_event_loop
async def test_a_large_body_that_is_cut_has_no_end_for_rclone() -> None:
    recorder = Recorder()
    with pytest.raises(BadRequest):
        await upload(recorder, body(b"x" * READ_AHEAD_BYTES, b"y" * 100, is_cut=True))
    assert len(recorder.bodies) == 1
    assert b"y" * 100 in recorder.bodies[0]
    assert not recorder.bodies[0].endswith(b"--\r\n")


@in_event_loop
@pytest.mark.parametrize("sizes", [(), (1,), (READ_AHEAD_BYTES - 1, 1), (READ_AHEAD_BYTES, 7, 7)])
async def test_a_whole_body_is_one_part_and_counted(sizes: tuple[int, ...]) -> None:
    recorder = Recorder()
    chunks = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    progress = await upload(recorder, body(*chunks))
    content = b"".join(chunks)
    head, _, rest = recorder.bodies[0].partition(b"\r\n\r\n")
    assert b"filename*=utf-8''a.bin" in head
    assert rest.startswith(content + b"\r\n--")
    assert rest.endswith(b"--\r\n")
    assert progress.sent == len(content)
