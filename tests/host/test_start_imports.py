"""What a start leaves for later, and that garbage is collected once the server listens."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from xo_cowork_core.sdk.testing import LiveServer, install_plugin

INSPECTS = """
import gc

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
                "collects_at_import": enabled_at_import,
                "collects": gc.isenabled(),
            }

        return [router]

plugin = Plugin()
"""
# serves until the first answer of /health, and prints what is imported then
SERVES_ONCE = """
import asyncio
import json
import os
import signal
import sys

from xo_cowork_core.host.serving import serve

async def report(services, settings, base_url):
    port = int(base_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    answer = await reader.readline()
    print(json.dumps([answer.decode().strip(), *sys.modules]))
    os.kill(os.getpid(), signal.SIGTERM)

sys.exit(serve(report))
"""
CORE = "xo_cowork_core"


@pytest.fixture(scope="module")
def modules() -> set[str]:
    """What a server with all plugins of the project has imported when it first answers."""
    server = LiveServer()
    try:
        environment = server.variables() | {"PORT": "0"}
        done = subprocess.run(
            [sys.executable, "-c", SERVES_ONCE],
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
    finally:
        server.close()
    status, *names = json.loads(done.stdout)
    assert status == "HTTP/1.1 200 OK"
    assert {"fastapi", "xo_runtime_openclaw.runtime"} <= set(names)
    return set(names)


def below(modules: set[str], *packages: str) -> set[str]:
    """Return the modules that are one of the packages or inside one."""
    return {name for name in modules if name.startswith(packages)}


def test_a_start_imports_no_client_that_only_later_requests_use(modules):
    assert below(modules, "httpx", "websockets", "http.cookiejar") == set()
    # no XO service is configured
    assert below(modules, f"{CORE}.services.swarm") == set()


def test_a_start_imports_no_routes_and_no_bodies_but_those_of_health(modules):
    named = {name for name in below(modules, f"{CORE}.api.") if name.count(".") > 2}
    routes = {name for name in named if name.rpartition(".")[2] in {"routes", "schemas"}}
    assert routes == {f"{CORE}.api.server.schemas"}
    assert {name for name in below(modules, "xo_runtime_") if "routes" in name} == set()


def test_a_start_does_not_import_the_older_pydantic(modules):
    # FastAPI does when it builds a route
    assert below(modules, "pydantic.v1") == set()


def test_a_start_imports_neither_the_login_engine_nor_the_rules_of_versions(modules):
    engine = f"{CORE}.services.auth_flows"
    assert {
        f"{engine}.loader",
        f"{CORE}.services.connectors.connections",
    } <= modules
    assert below(modules, f"{engine}.auth_flows", f"{engine}.events") == set()
    assert below(modules, "packaging") == set()


def test_garbage_is_collected_once_the_server_listens_and_not_before(tmp_path: Path):
    folder = install_plugin(tmp_path, "plugin_inspects", INSPECTS)
    with LiveServer(python_path=[folder], fresh=True) as server:
        state = server.client.get("/api/interpreter").json()
    assert state["collects"] is True
    assert state["collects_at_import"] is False
