"""The scanner and the readers of transcripts, and requests for scans."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.index_home import IndexedHome
from xo_cowork_core.sdk.runtime.history import Message, TextPart
from xo_cowork_core.services.index import refresh_requests, transcript_readers
from xo_cowork_core.services.index.refresh_requests import RefreshRequests
from xo_cowork_core.services.index.scanner import (
    Changes,
    TranscriptFile,
    TranscriptLocations,
    TranscriptSource,
    scan,
)
from xo_cowork_core.services.index.transcript_readers import TranscriptReaders
from xo_cowork_core.services.runtimes.plugin_record import PluginRecord
from xo_cowork_core.storage.jsonl import FileFingerprint
from xo_runtime_claude.history.transcript import ClaudeTranscript

SECOND_NS = 10**9


def line(number: int) -> bytes:
    message = {"role": "user", "content": f"text {number}"}
    row = {"type": "user", "uuid": f"u{number}", "parentUuid": f"u{number - 1}"}
    return json.dumps(row | {"message": message}).encode() + b"\n"


def source_in(tmp_path: Path, opened: list[Path] | None = None) -> TranscriptSource:
    def open_transcript(path: Path) -> ClaudeTranscript:
        if opened is not None:
            opened.append(path)
        return ClaudeTranscript(path)

    home = IndexedHome(tmp_path, open_transcript)
    return TranscriptSource("reader", home.runtime(), (home.projects,), PluginRecord("reader"))


def write(tmp_path: Path, name: str, seconds: int, body: bytes = b"") -> Path:
    path = tmp_path / "projects" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    os.utime(path, ns=(seconds * SECOND_NS, seconds * SECOND_NS))
    return path


def changed(changes: Changes) -> list[str]:
    return [Path(file.path).name for file in changes.changed]


def test_a_scan_returns_changed_transcripts_newest_first_and_paths_that_are_gone(
    tmp_path: Path,
) -> None:
    source = source_in(tmp_path)
    same = write(tmp_path, "p/same.jsonl", 5)
    grown = write(tmp_path, "p/grown.jsonl", 1)
    known = {str(path): FileFingerprint.of(path) for path in (same, grown)}
    known["/gone.jsonl"] = known[str(same)]
    write(tmp_path, "p/grown.jsonl", 2, b"more")
    write(tmp_path, "p/deep/new.jsonl", 3)
    write(tmp_path, "p/notes.txt", 4)
    changes = scan([source], known)
    assert changed(changes) == ["new.jsonl", "grown.jsonl"]
    assert [file.was_indexed for file in changes.changed] == [False, True]
    assert changes.gone == ["/gone.jsonl"]


def test_a_transcript_in_the_trash_counts_at_its_original_path(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    path = write(tmp_path, "p/s.jsonl", 1)
    known = {str(path): FileFingerprint.of(path)}
    trashed = tmp_path / "trash.jsonl"
    path.rename(trashed)
    changes = scan([source], known, {str(path): str(trashed)})
    assert (changes.changed, changes.gone) == ([], [])
    assert scan([source], known).gone == [str(path)]


def test_a_file_that_continues_a_changed_one_is_parsed_from_its_beginning(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    base, fork = write(tmp_path, "p/base.jsonl", 1), write(tmp_path, "p/fork.jsonl", 2)
    known = {str(path): FileFingerprint.of(path) for path in (base, fork)}
    write(tmp_path, "p/base.jsonl", 3, b"more")
    changes = scan([source], known, needs={str(fork): ["base"]})
    assert changed(changes) == ["base.jsonl", "fork.jsonl"]
    assert [file.needs_reparse for file in changes.changed] == [False, True]


def test_a_file_that_grew_is_read_on_and_one_that_shrank_is_read_again(tmp_path: Path) -> None:
    opened: list[Path] = []
    source, readers = source_in(tmp_path, opened), TranscriptReaders()

    def parse(path: Path) -> list[str]:
        file = TranscriptFile(str(path), source, FileFingerprint.of(path), was_indexed=True)
        parsed = readers.parse(file, TranscriptLocations())
        return [message.text for message in parsed.messages]

    path = write(tmp_path, "p/s.jsonl", 1, line(1) + line(2)[:-3])
    assert parse(path) == ["text 1"]
    write(tmp_path, "p/s.jsonl", 2, line(1) + line(2))
    assert parse(path) == ["text 1", "text 2"]
    assert len(opened) == 1
    write(tmp_path, "p/s.jsonl", 3, line(3))
    assert parse(path) == ["text 3"]
    assert len(opened) == 2


def test_a_reader_waits_for_what_a_turn_changed_and_not_for_a_fresh_index() -> None:
    async def run() -> None:
        requests = RefreshRequests()
        requests.serve()
        await requests.next()
        requests.finish(0.0)
        await asyncio.wait_for(requests.ensure_fresh(), 0.05)
        requests.mark_stale()
        waiting = asyncio.create_task(requests.ensure_fresh())
        await requests.next()
        assert not waiting.done()
        requests.finish(0.0)
        await waiting
        requests.end()

    asyncio.run(run())


def test_the_first_scan_starts_with_the_first_reader_or_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def first_scan(limit_seconds: float, *, reader: bool) -> None:
        requests = RefreshRequests()
        requests.serve()
        reading = asyncio.create_task(requests.ensure_fresh()) if reader else None
        async with asyncio.timeout(limit_seconds):
            await requests.next()
        requests.finish(0.0)
        if reading:
            await reading
        requests.end()

    monkeypatch.setattr(refresh_requests, "FIRST_SCAN_SECONDS", 60)
    asyncio.run(first_scan(20, reader=True))
    with pytest.raises(TimeoutError):
        asyncio.run(first_scan(0.1, reader=False))
    monkeypatch.setattr(refresh_requests, "FIRST_SCAN_SECONDS", 0.01)
    asyncio.run(first_scan(20, reader=False))


def test_a_rescan_is_waited_for_no_longer_than_its_limit() -> None:
    async def run() -> None:
        requests = RefreshRequests()
        requests.serve()
        await asyncio.wait_for(requests.rescan(0.05), 15)
        assert requests.is_scanning
        requests.end()

    asyncio.run(run())


def test_of_large_transcripts_one_reader_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcript_readers, "MAX_BYTES", 1)
    opened: list[Path] = []
    source, readers = source_in(tmp_path, opened), TranscriptReaders()
    first, second = (write(tmp_path, f"p/{n}.jsonl", n, line(n)) for n in (1, 2))
    for path in (first, second, second, first):
        assert readers.messages(str(path), source, TranscriptLocations([source]))
    assert opened == [first, second, first]


def test_a_file_that_was_overwritten_by_one_of_its_size_is_read_again(tmp_path: Path) -> None:
    source, readers = source_in(tmp_path), TranscriptReaders()
    # the ends are the same, further than a reader compares
    end = b"".join(line(number) for number in range(2, 20))
    path = write(tmp_path, "p/s.jsonl", 1, line(1).replace(b"text 1", b"before") + end)
    before = readers.messages(str(path), source, TranscriptLocations())
    write(tmp_path, "p/s.jsonl", 2, line(1).replace(b"text 1", b"behind") + end)
    after = readers.messages(str(path), source, TranscriptLocations())
    assert [texts_of(messages)[0] for messages in (before, after)] == ["before", "behind"]
    assert texts_of(before)[1:] == texts_of(after)[1:]


def texts_of(messages: Sequence[Message]) -> list[str]:
    parts = (part for message in messages for part in message.parts)
    return [part.text for part in parts if isinstance(part, TextPart)]


class ObservedRequests(RefreshRequests):
    """Records how long each request would wait for a scan."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def wait_for_scan(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False


def test_a_request_waits_longer_for_the_first_scan_and_for_changes_of_this_server() -> None:
    async def run() -> list[float]:
        requests = ObservedRequests()
        requests.serve()
        await requests.ensure_fresh()
        await requests.next()
        requests.finish(0.0)
        requests.mark_stale()
        await requests.ensure_fresh()
        await requests.next()
        requests.finish(0.0)
        requests.request_scan()
        await requests.ensure_fresh()
        requests.end()
        return requests.waits

    assert asyncio.run(run()) == [1.0, 1.0, 0.1]
