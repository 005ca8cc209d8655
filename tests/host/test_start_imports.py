"""What a start leaves for later, and that garbage is collected once the server listens."""

from collections.abc import Callable
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

INSPECTS = """
import gc
import sys

from fastapi import APIRouter

from xo_cowork_core.sdk import Contributions, hookimpl

enabled_at_import = gc.isenabled()

class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(prefixes=["/api/interpreter"])

    @hookimpl
    def xo_routers(self, context):
        router = APIRouter()

        @router.get("/api/interpreter")
        async def interpreter() -> dict[str, object]:
            return {
                "modules": list(sys.modules),
                "collects_at_import": enabled_at_import,
                "collects": gc.isenabled(),
            }

        return [router]

plugin = Plugin()
"""


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[[], dict[str, object]]:
    """Start a server of its own with all plugins of the project; return its interpreter's state."""
    folder = install_plugin(tmp_path, "plugin_inspects", INSPECTS)

    def read() -> dict[str, object]:
        with LiveServer(python_path=[folder], fresh=True) as server:
            return server.client.get("/api/interpreter").json()

    return read


def test_a_start_imports_no_client_that_only_later_requests_use(interpreter):
    modules = set(interpreter()["modules"])
    assert {"fastapi", "xo_runtime_openclaw.runtime"} <= modules
    assert modules & {"httpx", "websockets", "http.cookiejar"} == set()
    # no XO service is configured
    assert not [name for name in modules if name.startswith("xo_cowork_core.services.swarm")]


def test_a_start_imports_neither_the_login_engine_nor_the_parser_of_requirements(interpreter):
    modules = set(interpreter()["modules"])
    assert {
        "xo_cowork_core.services.auth_flows.loader",
        "xo_cowork_core.services.connectors.connections",
        "packaging.specifiers",
    } <= modules
    assert (
        modules
        & {
            "xo_cowork_core.services.auth_flows.auth_flows",
            "xo_cowork_core.services.auth_flows.events",
            "packaging.requirements",
            "packaging.tags",
        }
        == set()
    )


def test_garbage_is_collected_once_the_server_listens_and_not_before(interpreter):
    state = interpreter()
    assert state["collects"] is True
    assert state["collects_at_import"] is False
