"""Reading, listing, saving and making folders, as in the contract's table."""

import base64
import threading
import unicodedata
from pathlib import Path

import httpx
import pytest

from tests.support.file_traps import post
from xo_cowork_core.sdk.testing import LiveServer

NAMES = (
    "plain.txt",
    "with space.txt",
    unicodedata.normalize("NFC", "caf\u00e9.txt"),
    unicodedata.normalize("NFD", "caf\u00e9.txt"),
    "\u202egnp.exe",
    "\u05e9\u05dc\u05d5\u05dd.txt",
    "\U0001f41b.txt",
    'quo"te;\\.txt',
    "new\nline.txt",
    "x" * 255,
    "\u00e9" * 127,
    "-rf",
    "..hidden",
    "a%2fb",
    "~",
)


def refused(answer: httpx.Response, status: int, detail: str) -> None:
    assert (answer.status_code, answer.json()) == (status, {"detail": detail})


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:20]))
def test_a_name_of_any_script_goes_through_every_route(
    server: LiveServer, folder: Path, name: str
) -> None:
    path = str(folder / name)
    saved = post(server, "save", {"path": path, "content": "h\u00e9\n"})
    assert saved.json() == {"path": path, "bytes": 4}
    assert [child.name for child in folder.iterdir()] == [name]
    assert post(server, "content", {"path": path}).json() == {"path": path, "content": "h\u00e9\n"}
    listed = post(server, "list-directory", {"path": str(folder)}).json()["files"]
    assert [(item["name"], item["path"], item["size"]) for item in listed] == [(name, path, 4)]
    assert post(server, "content-binary", {"path": path}).content == "h\u00e9\n".encode()
    found = post(server, "search", {"directory": str(folder), "query": ""}).json()
    assert found == [{"name": name, "relative_path": name, "absolute_path": path}]
    assert post(server, "attach", {"paths": [path]}).json()[0]["path"] == path


@pytest.mark.parametrize("route", ["content", "content-binary", "save", "mkdir"])
@pytest.mark.parametrize("body", [{}, {"path": None}, {"path": ""}])
def test_a_missing_path_is_named(server: LiveServer, route: str, body: dict) -> None:
    refused(post(server, route, {"content": "x", **body}), 400, "Missing path")


def test_what_is_not_there_or_no_file_is_404(server: LiveServer, folder: Path) -> None:
    for route in ("content", "content-binary"):
        for path in (folder / "missing", folder, folder / "no" / "file"):
            refused(post(server, route, {"path": str(path)}), 404, "File not found")
    for path in (folder / "missing", folder / "no" / "file"):
        refused(post(server, "list-directory", {"path": str(path)}), 404, "Not a directory")


def test_bytes_that_are_no_utf8_are_replaced(server: LiveServer, folder: Path) -> None:
    (folder / "x").write_bytes(b"a\xff\xfeb\x00")
    found = post(server, "content", {"path": str(folder / "x")}).json()
    assert found["content"] == "a\ufffd\ufffdb\x00"


def test_a_text_over_10_mb_is_413(server: LiveServer, folder: Path) -> None:
    (folder / "x").write_bytes(b"x" * (10 << 20))
    assert post(server, "content", {"path": str(folder / "x")}).status_code == 200
    (folder / "x").write_bytes(b"x" * ((10 << 20) + 1))
    assert post(server, "content", {"path": str(folder / "x")}).status_code == 413


@pytest.mark.parametrize("size", [0, 1, 2, 3, 196_607, 196_608, 196_609, 3_000_001])
def test_binary_comes_whole_in_both_wire_styles(
    server: LiveServer, folder: Path, size: int
) -> None:
    body = (b"\x00\xff%d" % size * (size // 3 + 1))[:size]
    (folder / "a.png").write_bytes(body)
    path = str(folder / "a.png")
    docs = post(server, "content-binary", {"path": path})
    assert docs.content == body
    assert docs.headers["content-length"] == str(size)
    assert docs.headers["content-type"] == "image/png"
    assert docs.headers["content-disposition"].startswith("attachment; ")
    spa = post(server, "content-binary", {"path": path}, **{"X-XO-Wire": "spa"})
    asked = post(server, "content-binary", {"path": path, "encoding": "base64"})
    for answer in (spa, asked):
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["name"] == "a.png"
        assert base64.b64decode(answer.json()["content_base64"], validate=True) == body


def test_no_name_breaks_out_of_its_header(server: LiveServer, folder: Path) -> None:
    name = 'a"; filename=evil.exe\r\nSet-Cookie: x\\\u00e9.txt'
    (folder / name).write_text("x")
    answer = post(server, "content-binary", {"path": str(folder / name)})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    disposition = answer.headers["content-disposition"]
    assert disposition.count('"') == 2
    assert disposition.endswith("%0D%0ASet-Cookie%3A%20x%5C%C3%A9.txt")


def test_a_page_is_never_sent_to_be_shown(server: LiveServer, folder: Path) -> None:
    (folder / "x.html").write_text("<script>")
    answer = post(server, "content-binary", {"path": str(folder / "x.html")})
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_listing_has_folders_first_whatever_the_case(server: LiveServer, folder: Path) -> None:
    for name in ("b", "A", ".c"):
        (folder / name).mkdir()
    for name in ("z.txt", "Y.txt", ".x"):
        (folder / name).write_text("1")
    (folder / "y-link").symlink_to("z.txt")
    (folder / "d-link").symlink_to("A")
    (folder / "out").symlink_to("/etc")
    (folder / "gone").symlink_to("nowhere")
    found = post(server, "list-directory", {"path": str(folder)}).json()
    assert found["path"] == str(folder)
    assert found["parent"] == str(server.home)
    assert [item["name"] for item in found["dirs"]] == [".c", "A", "b", "d-link"]
    names = [item["name"] for item in found["files"]]
    assert names == [".x", "gone", "out", "y-link", "Y.txt", "z.txt"]
    links = [item["name"] for item in found["dirs"] + found["files"] if item["is_symlink"]]
    assert links == ["d-link", "gone", "out", "y-link"]
    item = found["files"][-1]
    assert item["size"] == 1
    assert item["mtime"].endswith("+00:00")
    out = next(item for item in found["files"] if item["name"] == "out")
    assert out["size"] == len("/etc")


@pytest.mark.parametrize("body", [None, {}, {"path": ""}, {"path": "~"}, {"path": "~/"}])
def test_no_path_is_the_home_folder(server: LiveServer, body: dict | None) -> None:
    if body is None:
        found = server.client.post("/api/files/list-directory").json()
    else:
        found = post(server, "list-directory", body).json()
    assert (found["path"], found["parent"]) == (str(server.home), None)
    assert "xo-projects" in [item["name"] for item in found["dirs"]]


def test_names_that_are_not_utf8_are_left_out(server: LiveServer, folder: Path) -> None:
    Path(bytes(folder).decode() + "/" + b"\xff".decode("utf-8", "surrogateescape")).touch()
    (folder / "fine").touch()
    found = post(server, "list-directory", {"path": str(folder)}).json()
    assert [item["name"] for item in found["files"]] == ["fine"]
    assert len(post(server, "search", {"directory": str(folder), "query": ""}).json()) == 1


def test_a_large_folder_is_listed_whole(server: LiveServer, folder: Path) -> None:
    for number in range(5000):
        (folder / f"{number}").touch()
    found = post(server, "list-directory", {"path": str(folder)}).json()
    assert len(found["files"]) == 5000


@pytest.mark.parametrize(
    ("content", "detail"),
    [(None, "Missing content"), (5, "Content must be a string"), ([], "Content must be a string")],
)
def test_a_content_that_is_no_text_is_400(
    server: LiveServer, folder: Path, content: object, detail: str
) -> None:
    refused(post(server, "save", {"path": str(folder / "x"), "content": content}), 400, detail)
    assert list(folder.iterdir()) == []


def test_a_save_makes_folders_and_keeps_the_mode(server: LiveServer, folder: Path) -> None:
    path = folder / "a" / "b" / "run.sh"
    assert post(server, "save", {"path": str(path), "content": "1"}).status_code == 200
    path.chmod(0o751)
    assert post(server, "save", {"path": str(path), "content": ""}).json()["bytes"] == 0
    assert path.read_bytes() == b""
    assert path.stat().st_mode & 0o7777 == 0o751


def test_a_save_through_a_link_keeps_the_link(server: LiveServer, folder: Path) -> None:
    (folder / "real").write_text("old")
    (folder / "link").symlink_to("real")
    saved = post(server, "save", {"path": str(folder / "link"), "content": "new"}).json()
    assert saved["path"] == str(folder / "real")
    assert (folder / "link").is_symlink()
    assert (folder / "real").read_text() == "new"


def test_a_save_over_a_folder_is_400(server: LiveServer, folder: Path) -> None:
    (folder / "x").mkdir()
    for path in (folder / "x", server.home, f"{folder}/x/"):
        answer = post(server, "save", {"path": str(path), "content": "1"})
        assert answer.status_code == 400
    assert [child.name for child in folder.iterdir()] == ["x"]


def test_etags_may_come_in_several_lines_and_weak_ones_never_match(
    server: LiveServer, folder: Path
) -> None:
    body = {"path": str(folder / "x"), "content": "1"}
    etag = post(server, "save", body).headers["etag"]
    for lines, status in (
        (['"other"', etag], 200),
        ([f'"a,b",{etag}'], 200),
        ([f"W/{etag}"], 412),
        (['"other"', '"more"'], 412),
        ([""], 412),
        ([etag.strip('"')], 412),
    ):
        headers = [("If-Match", line) for line in lines]
        answer = server.client.post("/api/files/save", json=body, headers=headers)
        assert answer.status_code == status, lines


def test_a_save_with_an_old_etag_is_412(server: LiveServer, folder: Path) -> None:
    path = str(folder / "x")
    first = post(server, "save", {"path": path, "content": "1"}).headers["etag"]
    assert post(server, "content", {"path": path}).headers["etag"] == first
    (folder / "x").write_text("2")
    answer = post(server, "save", {"path": path, "content": "3"}, **{"If-Match": first})
    assert answer.status_code == 412
    assert (folder / "x").read_text() == "2"
    now = post(server, "content", {"path": path}).headers["etag"]
    both = f'"other", {now}'
    assert post(server, "save", {"path": path, "content": "3"}, **{"If-Match": both}).is_success
    assert (folder / "x").read_text() == "3"


@pytest.mark.parametrize("etag", ["*", '"0"'])
def test_an_etag_for_a_file_that_is_not_there_is_412(
    server: LiveServer, folder: Path, etag: str
) -> None:
    for path in (folder / "x", folder / "new" / "x"):
        body = {"path": str(path), "content": "1"}
        assert post(server, "save", body, **{"If-Match": etag}).status_code == 412
    assert list(folder.iterdir()) == []


def test_no_update_is_lost_when_many_save_at_once(server: LiveServer, folder: Path) -> None:
    path, writers, rounds = str(folder / "count"), 6, 12
    post(server, "save", {"path": path, "content": "0"})

    def count() -> None:
        done = 0
        while done < rounds:
            found = post(server, "content", {"path": path})
            body = {"path": path, "content": str(int(found.json()["content"]) + 1)}
            answer = post(server, "save", body, **{"If-Match": found.headers["etag"]})
            assert answer.status_code in {200, 412}
            done += answer.status_code == 200

    threads = [threading.Thread(target=count) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (folder / "count").read_text() == str(writers * rounds)
