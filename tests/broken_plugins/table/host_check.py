"""What must work after each case of the table: the routes that all plugins share, and a turn."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.support.answers import wait_for_state
from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually, install_plugin

T = TypeVar("T")

DEMO = "runtime_demo"
# a plugin that has something in every shared list
HEALTHY = "plugin_healthy"
LISTS = ("agents", "models", "sessions", "usage", "connectors", "skills", "tools")
PATHS = ("/health", "/openapi.json", "/api/plugins", *(f"/api/{name}" for name in LISTS))
LIMIT_SECONDS = 2.0
ATTEMPTS = 6
LISTED_SECONDS = 15.0


def install_all(folder: Path, sources: Mapping[str, str]) -> Path:
    """Install plugins by their names without `plugin_`."""
    for name, source in sources.items():
        install_plugin(folder, f"plugin_{name}", source)
    return folder


class HostCheck:
    """Checks a server again and again; what the first check found of the healthy plugin stays."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self._chat = Chat(server, "demo")
        self._session_id: str | None = None
        self._expected: dict[str, Any] = {}
        # `server.client` compares each answer with the OpenAPI document, which takes its time
        self._http = httpx.Client(base_url=server.base_url, trust_env=False, timeout=30)

    def close(self) -> None:
        self._http.close()

    def plugins(self) -> dict[str, dict]:
        """Return the rows of `/api/plugins` by name."""
        return {row["name"]: row for row in self._get("/api/plugins").json()["plugins"]}

    def assert_host_works(self) -> dict[str, dict]:
        """Check the shared routes and a turn, each within `LIMIT_SECONDS`.

        Returns the rows of `/api/plugins` by name.
        """
        self._within_limit(self._run_turn, "a turn of the healthy runtime")
        for runtime in ("demo", "healthy"):
            wait_for_state(self.server, runtime, "ready")
        answers = {path: self._within_limit(lambda p=path: self._get(p), path) for path in PATHS}
        plugins = {row["name"]: row for row in answers["/api/plugins"].json()["plugins"]}
        health = answers["/health"].json()
        seen = {
            "plugins": [plugins[name] for name in (DEMO, HEALTHY)],
            "states": [health["plugins"][name] for name in (DEMO, HEALTHY)],
            "runtimes": [health["runtimes"][name]["state"] for name in ("demo", "healthy")],
            "models": _rows(answers["/api/models"], id="healthy-1"),
            "skills": _rows(answers["/api/skills"], name="healthy"),
            "connectors": _rows(answers["/api/connectors"], name="healthy"),
            "routes": answers["/openapi.json"].content,
        }
        self._expected = self._expected or seen
        assert seen["states"] == seen["runtimes"] == ["ready", "ready"]
        assert len(seen["models"]) == len(seen["skills"]) == len(seen["connectors"]) == 1
        changed = [name for name, value in seen.items() if value != self._expected[name]]
        assert not changed, f"the {', '.join(changed)} of healthy plugins changed: {seen}"
        # the lists follow a scan of the index, for which a request waits a moment only
        eventually(
            lambda: bool(_rows(self._get("/api/sessions"), session_id=self._session_id)),
            LISTED_SECONDS,
            "the session of the turn",
        )
        return plugins

    def _get(self, path: str) -> httpx.Response:
        answer = self._http.get(path, headers={"X-XO-Wire": "spa"})
        assert answer.status_code == 200, (path, answer.text[:500])
        return answer

    def _run_turn(self) -> None:
        turn = self._chat.run_turn("echo all is well", session_id=self._session_id)
        assert (turn.text, turn.terminal.event) == ("all is well", "done")
        self._session_id = turn.session_id

    def _within_limit(self, call: Callable[[], T], description: str) -> T:
        """Return the result of a call; one that a busy machine made late is repeated."""
        for _ in range(ATTEMPTS):
            started = time.monotonic()
            result = call()
            if time.monotonic() - started < LIMIT_SECONDS:
                return result
        raise AssertionError(f"{description} took longer than {LIMIT_SECONDS:g} s")


def _rows(answer: httpx.Response, **values: Any) -> list[dict]:
    return [row for row in answer.json() if values.items() <= row.items()]
