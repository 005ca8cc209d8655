"""Uploads: whole, once, under a name of their own, and nothing left of those that fail."""

import hashlib
import json
import os
import socket
import threading
import uuid
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from xo_cowork_core.sdk.testing import LiveServer, eventually

LIMIT = 100 << 20
BOUNDARY = "frontier"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture
def folder(server: LiveServer) -> Path:
    return server.home / uuid.uuid4().hex


def names(folder: Path) -> list[str]:
    return sorted(child.name for child in folder.iterdir())


def send(
    server: LiveServer, folder: Path, name: str, body: bytes, key: str | None = None
) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return server.client.post(
        "/api/files/upload",
        files={"file": (name, body)},
        data={"workspace": str(folder)},
        headers=headers,
    )


def raw(server: LiveServer, body: bytes, kind: str = TYPE) -> httpx.Response:
    return server.client.post("/api/files/upload", content=body, headers={"Content-Type": kind})


def part(head: str, body: str = "x") -> str:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n"


def drafts(server: LiveServer) -> list[str]:
    """Return the names of unfinished uploads; the first upload makes their folder."""
    folder = server.state / "drafts"
    return names(folder) if folder.exists() else []


def test_an_upload_is_described_and_whole(server: LiveServer, folder: Path) -> None:
    body = os.urandom(3_000_000)
    sha = hashlib.sha256(body).hexdigest()
    answer = send(server, folder, "photo.png", body)
    assert answer.status_code == 200
    assert answer.json() == {
        "file_id": sha[:16],
        "name": "photo.png",
        "path": str(folder / "photo.png"),
        "size": len(body),
        "mime_type": "image/png",
        "source": "uploaded",
        "content_hash": sha,
    }
    assert (folder / "photo.png").read_bytes() == body
    assert (folder / "photo.png").stat().st_nlink == 1
    assert drafts(server) == []


def test_without_a_workspace_it_goes_to_uploads(server: LiveServer) -> None:
    answer = server.client.post("/api/files/upload", files={"file": ("a.txt", b"")})
    assert answer.json()["path"] == str(server.home / "uploads" / "a.txt")
    assert answer.json()["size"] == 0


@pytest.mark.parametrize("first", ["file", "folder"])
@pytest.mark.parametrize("field", ["workspace", "space"])
def test_the_folder_may_come_before_or_after_the_file(
    server: LiveServer, folder: Path, first: str, field: str
) -> None:
    parts = [part('name="file"; filename="a.txt"', "hello"), part(f'name="{field}"', str(folder))]
    body = "".join(parts if first == "file" else reversed(parts)) + f"--{BOUNDARY}--\r\n"
    assert raw(server, body.encode()).json()["path"] == str(folder / "a.txt")


def test_equal_bytes_are_kept_once_and_others_get_a_name(server: LiveServer, folder: Path) -> None:
    first = send(server, folder, "a.tar.gz", b"one").json()
    again = send(server, folder, "a.tar.gz", b"one").json()
    other = send(server, folder, "a.tar.gz", b"two").json()
    other_again = send(server, folder, "a.tar.gz", b"two").json()
    sha = hashlib.sha256(b"two").hexdigest()
    assert first == again
    assert other == other_again
    assert other["name"] == f"a.tar_{sha[:8]}.gz"
    assert names(folder) == ["a.tar.gz", other["name"]]
    (folder / other["name"]).write_text("edited")
    third = send(server, folder, "a.tar.gz", b"two").json()
    assert third["name"] == f"a.tar_{sha[:16]}.gz"
    assert (folder / other["name"]).read_text() == "edited"


@pytest.mark.parametrize("taken", ["folder", "link", "fifo"])
def test_a_name_taken_by_no_file_is_left_alone(
    server: LiveServer, folder: Path, taken: str
) -> None:
    folder.mkdir()
    place = folder / "a.txt"
    {
        "folder": place.mkdir,
        "link": lambda: place.symlink_to("b"),
        "fifo": lambda: os.mkfifo(place),
    }[taken]()
    found = send(server, folder, "a.txt", b"x").json()
    assert found["name"] == f"a_{hashlib.sha256(b'x').hexdigest()[:8]}.txt"


def test_long_names_are_cut_where_they_must_grow(server: LiveServer, folder: Path) -> None:
    name = "\u00e9" * 125 + ".txt"
    send(server, folder, name, b"one")
    found = send(server, folder, name, b"two").json()
    assert len(found["name"].encode()) <= 255
    assert found["name"].endswith(".txt")
    assert send(server, folder, "x" * 256, b"one").status_code == 400


def test_many_equal_uploads_at_once_make_one_file(server: LiveServer, folder: Path) -> None:
    answers: list[httpx.Response] = []

    def work(number: int) -> None:
        answers.append(send(server, folder, "a.txt", b"%d" % (number % 3) * 100_000))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    bodies = sorted((folder / name).read_bytes()[:1] for name in names(folder))
    assert bodies == [b"0", b"1", b"2"]
    for answer in answers:
        found = answer.json()
        sha = hashlib.sha256(Path(found["path"]).read_bytes()).hexdigest()
        assert sha == found["content_hash"]
    assert drafts(server) == []


def test_just_100_mb_pass_and_a_byte_more_is_413(server: LiveServer, folder: Path) -> None:
    body = bytes(LIMIT)
    assert send(server, folder, "a.bin", body).json()["size"] == LIMIT
    answer = send(server, folder, "b.bin", body + b"x")
    assert (answer.status_code, answer.json()) == (413, {"detail": "File exceeds 100 MB limit"})
    assert names(folder) == ["a.bin"]
    assert drafts(server) == []


@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept alive", "closed"])
def test_a_client_that_sends_everything_before_it_reads_gets_its_413(
    server: LiveServer, keep_alive: bool
) -> None:
    size = LIMIT + (40 << 20)
    address = urlsplit(server.base_url)
    head = part('name="file"; filename="large"', "").removesuffix("\r\n").encode()
    connection = "keep-alive" if keep_alive else "close"
    with socket.create_connection((address.hostname or "", address.port or 0), 30) as peer:
        peer.sendall(
            f"POST /api/files/upload HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Connection: {connection}\r\nContent-Type: {TYPE}\r\n"
            f"Content-Length: {len(head) + size}\r\n\r\n".encode()
        )
        peer.sendall(head)
        for _ in range(size >> 20):
            peer.sendall(bytes(1 << 20))
        answer = HTTPResponse(peer)
        answer.begin()
        assert answer.status == 413
        assert json.load(answer) == {"detail": "File exceeds 100 MB limit"}


@pytest.mark.parametrize("sent", [0, 100, 1_000_000])
def test_nothing_is_left_when_the_client_goes_away(
    server: LiveServer, folder: Path, sent: int
) -> None:
    address = urlsplit(server.base_url)
    head = part('name="workspace"', str(folder)) + part('name="file"; filename="a.bin"', "")[:-2]
    text = (
        f"POST /api/files/upload HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: {TYPE}\r\nContent-Length: 5000000\r\n\r\n{head}"
    )
    with socket.create_connection((address.hostname or "", address.port or 0)) as client:
        client.sendall(text.encode() + bytes(sent))
        eventually(lambda: len(drafts(server)) == 1, 15, "the draft is begun")
    eventually(lambda: drafts(server) == [], 15, "the draft is gone")
    assert not folder.exists()
    assert "failed as" not in server.log


END = f"--{BOUNDARY}--\r\n"
FILE = part('name="file"; filename="a.txt"')


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("", "The form is broken"),
        (END, "Missing file"),
        ("nothing", "The form is broken"),
        (FILE, "The form is broken"),
        (FILE[:-10], "The form is broken"),
        (part('name="file"') + END, "Missing file"),
        (part('name="other"; filename="a.txt"') + END, "Missing file"),
        (FILE + FILE + END, "One file at a time"),
        (part('name="workspace"', "x" * 70_000) + FILE + END, "Field workspace is too long"),
        (part('name="x"') * 70 + FILE + END, "The form has more than 64 parts"),
        (f"--{BOUNDARY}\r\n\r\nx\r\n" + END, "Missing file"),
        (f"--{BOUNDARY}\r\n{'X: y' * 5000}\r\n\r\nx\r\n" + END, "The form is broken"),
    ],
)
def test_a_broken_form_is_400(server: LiveServer, body: str, detail: str) -> None:
    answer = raw(server, body.encode())
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    assert drafts(server) == []


@pytest.mark.parametrize(
    "kind", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=x", "x;y"]
)
def test_another_content_type_is_400(server: LiveServer, kind: str) -> None:
    answer = raw(server, (FILE + END).encode(), kind)
    assert answer.status_code == 400
    assert "multipart/form-data" in answer.json()["detail"]


def test_a_foreign_page_uploads_nothing(server: LiveServer) -> None:
    headers = {"Origin": "http://evil.example"}
    files = {"file": ("evil.txt", b"x")}
    answer = server.client.post("/api/files/upload", files=files, headers=headers)
    assert answer.status_code == 403
    assert not (server.home / "uploads" / "evil.txt").exists()


def test_a_key_works_for_uploads_of_any_size(server: LiveServer, folder: Path) -> None:
    key = str(uuid.uuid4())
    body = bytes(20 << 20)
    first = send(server, folder, "a.bin", body, key)
    (folder / "a.bin").unlink()
    again = send(server, folder, "a.bin", body, key)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert names(folder) == []
    for name, other in (("a.bin", b"other"), ("b.bin", body)):
        assert send(server, folder, name, other, key).status_code == 409
    assert names(folder) == []
    assert drafts(server) == []


def test_a_refusal_is_kept_under_its_key_too(server: LiveServer) -> None:
    key = str(uuid.uuid4())
    for replayed in (None, "true"):
        answer = send(server, Path("/etc"), "a.txt", b"x", key)
        assert answer.status_code == 403
        assert answer.headers.get("idempotent-replayed") == replayed
    assert send(server, server.home, "a.txt", b"x", "x" * 256).status_code == 400


def test_attach_describes_files_as_uploads_do(server: LiveServer, folder: Path) -> None:
    sent = send(server, folder, "a.md", b"# hi").json()
    found = server.client.post("/api/files/attach", json={"paths": [sent["path"]]}).json()
    assert found == [sent | {"source": "referenced", "mime_type": "text/markdown"}]
    missing = {"paths": [sent["path"], str(folder / "no.md")]}
    answer = server.client.post("/api/files/attach", json=missing)
    assert (answer.status_code, answer.json()) == (404, {"detail": "File not found: no.md"})
    assert server.client.post("/api/files/attach", json={}).status_code == 400
    assert server.client.post("/api/files/attach", json={"paths": []}).json() == []
