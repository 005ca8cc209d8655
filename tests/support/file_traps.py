"""A home folder with links, private files and special files, and every route that takes a path."""

import json
import os
import socket
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from xo_cowork_core.sdk.testing import LiveServer

SECRET = "4f1c-planted-outside"
PRIVATE_FILES = (
    ".ssh/id_ed25519",
    ".aws/credentials",
    ".gnupg/key",
    ".netrc",
    ".git-credentials",
    ".npmrc",
    ".config/gh/hosts.yml",
    ".config/rclone/rclone.conf",
    ".claude/.credentials.json",
    ".claude.json",
    ".codex/auth.json",
    ".codex/shell_snapshots/one.sh",
    ".openclaw/.env",
    ".openclaw/agents/main/agent/openclaw-agent.sqlite",
    ".openclaw/state/openclaw.sqlite",
)


def create_traps(server: LiveServer) -> None:
    """Fill the home folder, its sibling and a folder outside of it."""
    root, home = server.root, server.home
    for folder in (root / "home2", root / "outside" / "dir", home / "a", home / "in"):
        folder.mkdir(parents=True)
    for place in (root / "home2", root / "outside", root / "outside" / "dir"):
        (place / "secret.txt").write_text(SECRET)
    (home / "a" / "mine.txt").write_text("mine")
    links = {
        "out_dir": root / "outside",
        "out_file": root / "outside" / "secret.txt",
        "rel_out": Path("../outside"),
        "chain": Path("chain2"),
        "chain2": home / "out_dir",
        "dangling_out": root / "outside" / "new.txt",
        "dangling_deep": root / "outside" / "new" / "deep",
        "loop": Path("loop2"),
        "loop2": Path("loop"),
        "self": Path("self"),
        "in/up": Path("../../outside"),
        "root": Path("/"),
        "procroot": Path("/proc/self/root"),
        "proccwd": Path("/proc/self/cwd"),
        "zero": Path("/dev/zero"),
        "stdin": Path("/dev/stdin"),
        "upup": Path("../" * 12 + "etc"),
        "dirlink": root / "outside" / "dir",
        "keys": Path(".ssh"),
        "inner": Path("a"),
    }
    for name, target in links.items():
        (home / name).symlink_to(target)
    for name in PRIVATE_FILES:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(SECRET)
    os.mkfifo(home / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "socket"))


def snapshot_protected_files(server: LiveServer) -> dict[str, object]:
    """Return the content and names of all files that no route may change."""
    places = [server.root / "home2", server.root / "outside", server.root]
    private = [server.home / name for name in PRIVATE_FILES]
    snapshot: dict[str, object] = {
        str(path): path.read_bytes() if path.is_file() else None
        for place in places[:2]
        for path in place.rglob("*")
    }
    snapshot |= {str(path): path.read_bytes() for path in private}
    snapshot |= {
        str(path.parent): sorted(child.name for child in path.parent.iterdir())
        for path in private[:3]
    }
    snapshot["root"] = sorted(
        path.name for path in server.root.iterdir() if path.name != "server.log"
    )
    return snapshot


Send = Callable[[LiveServer, str], httpx.Response]


def post(server: LiveServer, route: str, body: Mapping[str, object], **more: str) -> httpx.Response:
    """Post JSON in ASCII, which can carry a lone surrogate as an escape."""
    headers = {"Content-Type": "application/json", **more}
    content = json.dumps(body).encode()
    return server.client.post(f"/api/files/{route}", content=content, headers=headers)


def upload(server: LiveServer, field: str, folder: str) -> httpx.Response:
    files = {
        "file": (f"{uuid.uuid4().hex}.txt", b"planted"),
        field: (None, folder.encode("utf-8", "surrogatepass")),
    }
    return server.client.post("/api/files/upload", files=files)


def new_path() -> str:
    return f"~/fresh/{uuid.uuid4().hex}"


ROUTES: Mapping[str, Send] = {
    "list-directory": lambda s, p: post(s, "list-directory", {"path": p}),
    "content": lambda s, p: post(s, "content", {"path": p}),
    "content-binary": lambda s, p: post(s, "content-binary", {"path": p}),
    "content-base64": lambda s, p: post(s, "content-binary", {"path": p, "encoding": "base64"}),
    "save": lambda s, p: post(s, "save", {"path": p, "content": "planted"}),
    "save-if-match": lambda s, p: post(
        s, "save", {"path": p, "content": "planted"}, **{"If-Match": "*"}
    ),
    "mkdir": lambda s, p: post(s, "mkdir", {"path": p}),
    "mkdir-scaffold": lambda s, p: post(s, "mkdir", {"path": p, "scaffold": True}),
    "mkdir-files": lambda s, p: post(s, "mkdir", {"path": new_path(), "files": [p]}),
    "search": lambda s, p: post(s, "search", {"directory": p, "query": ""}),
    "attach": lambda s, p: post(s, "attach", {"paths": [p]}),
    "upload-workspace": lambda s, p: upload(s, "workspace", p),
    "upload-space": lambda s, p: upload(s, "space", p),
}
