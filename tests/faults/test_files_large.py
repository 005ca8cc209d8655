"""Files that are too large to be read through, and a server that is to end meanwhile."""

import threading
from contextlib import suppress
from pathlib import Path

import httpx

from xo_cowork_core.sdk.testing import LiveServer, eventually

SECONDS = 20.0
GIGABYTE = 1 << 30


def sparse(server: LiveServer, name: str, size: int) -> Path:
    path = server.home / name
    with path.open("wb") as file:
        file.truncate(size)
    return path


def post(server: LiveServer, route: str, body: object, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.post(f"/api/files/{route}", json=body, headers=named)


def test_files_that_would_take_minutes_to_hash_are_refused_unread(server: LiveServer) -> None:
    sparse(server, "terabyte", 1 << 40)
    (server.home / "small").write_text("hi")
    answer = post(server, "attach", {"paths": ["~/terabyte"]})
    assert answer.status_code == 413
    assert answer.json() == {"detail": "Files exceed 16 GB limit"}
    assert post(server, "attach", {"paths": ["~/small"]}).json()[0]["size"] == 2


def test_a_tag_is_never_compared_with_a_file_that_has_none(server: LiveServer) -> None:
    path = sparse(server, "terabyte", 1 << 40)
    body = {"path": str(path), "content": "new"}
    assert (
        post(server, "save", body, If_Match='"00000000000000000000000000000000"').status_code == 412
    )
    assert post(server, "save", body, If_Match="*").status_code == 200
    assert path.read_text() == "new"


def reads(server: LiveServer, path: Path) -> bool:
    folder = Path(f"/proc/{server.pid}/fd")
    for handle in folder.iterdir():
        with suppress(OSError):
            if handle.readlink() == path:
                return True
    return False


def test_a_server_ends_while_it_reads_large_files(server: LiveServer) -> None:
    path = sparse(server, "large", 15 * GIGABYTE)
    asking = [
        threading.Thread(target=attach_until_it_ends, args=(server.base_url, str(path)))
        for _ in range(8)
    ]
    for thread in asking:
        thread.start()
    eventually(lambda: reads(server, path), SECONDS, "a read of the file")
    try:
        assert server.terminate() == 0
    finally:
        if server.running:
            server.kill()
        for thread in asking:
            thread.join(SECONDS)


def attach_until_it_ends(url: str, path: str) -> None:
    with suppress(httpx.TransportError):
        httpx.post(f"{url}/api/files/attach", json={"paths": [path]}, timeout=120, trust_env=False)
