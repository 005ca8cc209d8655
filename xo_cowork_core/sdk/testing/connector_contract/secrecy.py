"""Cases: tokens stay in the token store."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from xo_cowork_core.sdk.testing.connector_contract.cases import Cases, ResourceOwner

PATHS = ("/api/connectors", "/api/plugins", "/health", "/metrics")
CHUNK_BYTES = 1 << 20


class SecrecyCases(Cases):
    """Where a token may not be found after sign-ins, checks and a disconnection."""

    def test_no_token_leaves_the_token_store(self, owner: ResourceOwner) -> None:
        texts = dict[str, str]()
        for method in owner.methods():
            owner.sign_in(method)
            owner.connections.server.restart()
            owner.connections.status(verify=True)
            texts |= self._visible_texts(owner)
            places = [place for place, text in texts.items() if self._has_token(owner, text)]
            assert not places, f"a token is in {', '.join(places)}"
            self._check_files(owner)
            owner.connections.disconnect()
        assert not self._has_token(owner, owner.connections.server.log), "a token is in the log"

    def _visible_texts(self, owner: ResourceOwner) -> Mapping[str, str]:
        connections, server = owner.connections, owner.connections.server
        answers = {path: server.client.get(path).text for path in PATHS}
        processes = [server.pid, *(process.pid for process in server.descendants())]
        return {
            **answers,
            "the status": connections.http.get(f"{connections.path}/status").text,
            "the log": server.log,
            "a command line": "".join(_read_proc(pid, "cmdline") for pid in processes),
            "an environment": "".join(_read_proc(pid, "environ") for pid in processes),
        }

    def _check_files(self, owner: ResourceOwner) -> None:
        server = owner.connections.server
        for path in _files_below(server.home):
            text, mode = _read_file(path)
            if self._has_token(owner, text):
                assert server.state in path.parents, f"a token is outside the state folder: {path}"
                assert mode == 0o600, f"{path.name} has a token and the mode {mode:o}"

    def _has_token(self, owner: ResourceOwner, text: str) -> bool:
        store = owner.provider.store
        with store.lock:
            secrets = {*store.access, *store.refresh, owner.subject.api_key}
        return any(secret in text for secret in secrets)


def _read_file(path: Path) -> tuple[str, int]:
    """Return a file's text and mode; no text for one that was replaced meanwhile."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            return file.read().decode(errors="replace"), mode
    except FileNotFoundError:
        return "", 0


def _read_proc(pid: int, name: str) -> str:
    try:
        return Path("/proc", str(pid), name).read_text(errors="replace")
    except OSError:  # the process has ended
        return ""


def _files_below(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            if path.is_file() and not path.is_symlink():
                yield path
