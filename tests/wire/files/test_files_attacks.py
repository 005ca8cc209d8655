"""Paths that try to get out, on every route that takes one: none does."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.file_traps import ROUTES, SECRET, create_traps, post, snapshot_protected_files
from xo_cowork_core.sdk.testing import LiveServer

OUTSIDE = (
    "/etc/passwd",
    "/etc",
    "/",
    "//etc/passwd",
    "/tmp",
    "{home}2",
    "{home}2/secret.txt",
    "{home}2/new.txt",
    "{home}/../home2/secret.txt",
    "{home}/../outside",
    "{home}/..",
    "~/..",
    "~/../outside/secret.txt",
    "~/../../../../../../etc/passwd",
    "~/./../outside",
    "~/a/../../outside",
    "~/missing/../../outside/secret.txt",
    "{home}//..//outside",
    "{home}/.//../home2",
    "{home}/../home2/../outside/dir",
    "~/out_dir",
    "~/out_dir/secret.txt",
    "~/out_dir/new/deeper",
    "~/out_file",
    "~/rel_out",
    "~/rel_out/secret.txt",
    "~/chain",
    "~/chain/secret.txt",
    "~/dangling_out",
    "~/dangling_deep/x",
    "~/in/up",
    "~/in/up/secret.txt",
    "~/inner/../out_dir/secret.txt",
    "~/dirlink/../secret.txt",
    "~/dirlink/../../home2",
    "~/root",
    "~/root/etc/passwd",
    "~/procroot",
    "~/procroot/etc/passwd",
    "~/proccwd",
    "~/upup/passwd",
    "~/zero",
    "~/stdin",
    "/proc/self/root/etc/passwd",
    "/proc/self/cwd",
    "/proc/self/environ",
    "/proc/self/fd/0",
    "/dev/zero",
    "/dev/stdin",
    "/dev/null",
    "/dev/tty",
    "/sys/kernel",
    "{HOME}",
    "{home}\u202e/x",
    "{home}\uff0f..",
    "{home}\u2215x",
    "{home}e\u0301",
    "{home}%2f..%2foutside",
    "{home}\\..\\outside",
    "{home}\n/x",
    "{root}",
)
MALFORMED = (
    "relative.txt",
    "./x",
    ".",
    "..",
    "../outside/secret.txt",
    "-",
    "~root",
    "~root/x",
    "~2/secret.txt",
    " ~/x",
    " /etc/passwd",
    "file:///etc/passwd",
    "C:\\Windows\\win.ini",
    "\\\\server\\share",
    "~\\x",
    "%2e%2e/outside",
    "~/a\0b",
    "/etc/passwd\0",
    "{home}\0/../outside",
    "~/" + "x" * 256,
    "~/" + "\u00e9" * 128,
    "~/" + "a/" * 2100,
)
NOT_UNICODE = ("~/\ud800", "~/\udcff/x", "/\udfff", "~/a\udc2e\udc2e/b")
PRIVATE = (
    "~/.ssh",
    "~/.ssh/id_ed25519",
    "~/.ssh/new",
    "~/a/../.ssh/id_ed25519",
    "{home}//.ssh/./id_ed25519",
    "~/keys",
    "~/keys/id_ed25519",
    "~/.aws/credentials",
    "~/.gnupg/key",
    "~/.netrc",
    "~/.git-credentials",
    "~/.npmrc",
    "~/.config/gh/hosts.yml",
    "~/.config/rclone/rclone.conf",
    "~/.claude/.credentials.json",
    "~/.claude.json",
    "~/.codex/auth.json",
    "~/.codex/shell_snapshots/one.sh",
    "~/.openclaw/agents/main/agent/openclaw-agent.sqlite",
    "~/.openclaw/state",
    "~/.openclaw/credentials/new",
    "~/.openclaw/.env",
    "~/.xo-cowork",
    "~/.xo-cowork/state.db",
    "~/.xo-cowork/drafts/x",
)
LOOPS = ("~/loop", "~/loop/x", "~/self", "~/self/x", "~/loop/../loop2")
SPECIAL = ("~/fifo", "~/socket", "~/fifo/x", "~/socket/x", "~/a/mine.txt/x")


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "none"}) as running:
        create_traps(running)
        yield running


def test_the_table_is_long_enough() -> None:
    assert len({*OUTSIDE, *MALFORMED, *NOT_UNICODE, *PRIVATE, *LOOPS, *SPECIAL}) >= 100


@pytest.fixture(scope="module")
def protected_files(server: LiveServer) -> dict[str, object]:
    """The content and names of all files that no route may change, before the first attack."""
    return snapshot_protected_files(server)


def attack(
    server: LiveServer,
    protected_files: dict[str, object],
    path: str,
    statuses: set[int],
    routes: Iterable[str] = ROUTES,
) -> None:
    """Send one path to each route; check that it is refused, reveals and changes nothing."""
    path = path.replace("{home}", str(server.home)).replace("{root}", str(server.root))
    path = path.replace("{HOME}", str(server.home).upper())
    for route in routes:
        begun = time.monotonic()
        answer = ROUTES[route](server, path)
        report = f"{route} of {path!r}: {answer.status_code} {answer.text[:200]}"
        assert time.monotonic() - begun < 20, report
        assert answer.status_code in statuses, report
        assert SECRET not in answer.text, report
        assert str(server.root / "outside") not in answer.json()["detail"], report
        assert snapshot_protected_files(server) == protected_files, report


@pytest.mark.parametrize("path", OUTSIDE, ids=repr)
def test_what_lies_outside_is_403(
    server: LiveServer, protected_files: dict[str, object], path: str
) -> None:
    attack(server, protected_files, path, {403})


@pytest.mark.parametrize("path", PRIVATE, ids=repr)
def test_credentials_are_403(
    server: LiveServer, protected_files: dict[str, object], path: str
) -> None:
    attack(server, protected_files, path, {403})


@pytest.mark.parametrize("path", MALFORMED, ids=lambda path: repr(path[:30]))
def test_what_is_no_absolute_path_is_400(
    server: LiveServer, protected_files: dict[str, object], path: str
) -> None:
    attack(server, protected_files, path, {400})


@pytest.mark.parametrize("path", NOT_UNICODE, ids=ascii)
def test_half_a_surrogate_pair_is_400(
    server: LiveServer, protected_files: dict[str, object], path: str
) -> None:
    routes = [route for route in ROUTES if not route.startswith("upload")]
    attack(server, protected_files, path, {400}, routes)


@pytest.mark.parametrize("path", LOOPS)
def test_links_in_a_circle_are_refused(
    server: LiveServer, protected_files: dict[str, object], path: str
) -> None:
    attack(server, protected_files, path, {400, 403, 409})
    assert (server.home / "loop").is_symlink()
    assert (server.home / "self").is_symlink()


@pytest.mark.parametrize("path", SPECIAL, ids=repr)
def test_special_files_never_block(
    server: LiveServer, protected_files: dict[str, object], path: str
) -> None:
    attack(server, protected_files, path, {400, 404, 409, 412})
    assert (server.home / "fifo").is_fifo()
    assert (server.home / "socket").is_socket()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../x1.txt", "x1.txt"),
        ("/etc/x2.txt", "x2.txt"),
        ("..\\..\\x3.txt", "x3.txt"),
        ("C:\\temp\\x4.txt", "x4.txt"),
        ("~/x5.txt", "x5.txt"),
        ("..", "upload"),
        ("x6/", "upload"),
        ('x"7.txt', 'x"7.txt'),
    ],
)
def test_the_name_of_an_upload_is_a_bare_name(server: LiveServer, sent: str, kept: str) -> None:
    before = snapshot_protected_files(server)
    answer = server.client.post("/api/files/upload", files={"file": (sent, b"planted")})
    assert answer.status_code == 200, answer.text
    assert answer.json()["path"] == str(server.home / "uploads" / kept)
    assert snapshot_protected_files(server) == before


@pytest.mark.parametrize(
    ("folder", "name"),
    [("~", ".netrc"), ("~/.codex", "auth.json"), ("~/.claude", ".credentials.json")],
)
def test_an_upload_cannot_stand_in_for_credentials(
    server: LiveServer, folder: str, name: str
) -> None:
    before = snapshot_protected_files(server)
    files = {"file": (name, b"planted")}
    answer = server.client.post("/api/files/upload", files=files, data={"workspace": folder})
    assert answer.status_code == 403
    assert snapshot_protected_files(server) == before


def test_an_upload_does_not_follow_a_link_of_its_name(server: LiveServer) -> None:
    before = snapshot_protected_files(server)
    files = {"file": ("dangling_out", b"planted")}
    answer = server.client.post("/api/files/upload", files=files, data={"workspace": "~"})
    assert answer.status_code == 200
    assert answer.json()["name"].startswith("dangling_out_")
    assert snapshot_protected_files(server) == before


def test_a_scaffold_does_not_follow_a_link(server: LiveServer) -> None:
    before = snapshot_protected_files(server)
    (server.projects / "linked").symlink_to(server.root / "outside" / "made")
    body = {"path": "~/xo-projects/linked", "scaffold": True}
    assert post(server, "mkdir", body).status_code == 403
    assert snapshot_protected_files(server) == before


def test_a_projects_root_outside_the_home_folder_is_served(tmp_path: Path) -> None:
    root = tmp_path / "projects"
    environment = {"XO_PLUGINS": "none", "XO_PROJECTS_ROOT": str(root)}
    with LiveServer(environment=environment) as server:
        path = f"{root}/p/x.txt"
        assert post(server, "save", {"path": path, "content": "x"}).status_code == 200
        listing = post(server, "list-directory", {"path": str(root)}).json()
        assert listing["parent"] is None
        assert post(server, "list-directory", {"path": str(tmp_path)}).status_code == 403
