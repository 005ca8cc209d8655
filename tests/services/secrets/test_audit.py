"""The audit log: one line for each entry, private, and of a limited size."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from xo_cowork_core.sdk import Unavailable
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.secrets import audit
from xo_cowork_core.services.secrets.audit import AuditEntry, Caller, SecretAudit

CALLER = Caller("PATCH /api/secrets/KEY", "127.0.0.1", "http://localhost:3000")


@pytest.fixture(params=[0o000, 0o777])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def log(tmp_path: Path) -> SecretAudit:
    return SecretAudit(tmp_path / "audit" / "secrets.jsonl", SystemClock())


def lines_of(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.usefixtures("_umask")
def test_file_and_folder_are_private_under_any_umask(log: SecretAudit) -> None:
    log.record([AuditEntry(CALLER, "set", Path("/env"), ["KEY"])])
    assert log.file.stat().st_mode & 0o777 == 0o600
    assert log.file.parent.stat().st_mode & 0o777 == 0o700


def test_a_full_file_is_renamed_and_three_old_ones_are_kept(
    log: SecretAudit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_FILE_BYTES", 2000)
    for number in range(80):
        log.record([AuditEntry(CALLER, "set", Path("/env"), [f"KEY_{number}"])])
    files = sorted(log.file.parent.iterdir())
    assert [file.name for file in files] == [
        "secrets.jsonl",
        "secrets.jsonl.1",
        "secrets.jsonl.2",
        "secrets.jsonl.3",
    ]
    assert all(file.stat().st_size <= 2000 for file in files)
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    keys = [line["keys"] for file in reversed(files) for line in lines_of(file)]
    assert keys == [[f"KEY_{number}"] for number in range(80 - len(keys), 80)]
    assert 20 < len(keys) < 80


def test_a_line_is_bounded_whatever_the_request_holds(log: SecretAudit) -> None:
    caller = Caller("GET /" + "x" * 10_000, "127.0.0.1", "http://" + "y" * 10_000)
    keys = ["K" * 1000 + str(number) for number in range(1000)]
    log.record([AuditEntry(caller, "reveal", Path("/env"), keys)])
    (line,) = lines_of(log.file)
    assert line["key_count"] == 1000
    assert log.file.stat().st_size < 50_000


def test_lines_of_several_threads_are_whole(
    log: SecretAudit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_FILE_BYTES", 10_000)
    entries = [AuditEntry(CALLER, "set", Path("/env"), ["KEY"])]
    threads = [threading.Thread(target=log.record, args=[entries]) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(lines_of(file)) for file in log.file.parent.iterdir()) == 60


def test_a_link_in_the_place_of_the_log_is_not_followed(log: SecretAudit, tmp_path: Path) -> None:
    log.file.parent.mkdir()
    log.file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable):
        log.record([AuditEntry(CALLER, "refused")])
    assert not (tmp_path / "elsewhere").exists()
