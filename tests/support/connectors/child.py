"""A process with the services of connectors, which starts one flow: to be killed by a test.

Arguments: state folder, URL of the authorization server, id of the method, and `starting` to print
before the start is complete. Prints the flow's id, and the URL to open or the code to enter, as
JSON.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.connectors.engine import (
    WAIT_SECONDS,
    ConnectorEngine,
    UserinfoConnector,
    code_method,
    device_method,
    eventually,
)
from xo_cowork_core.sdk.connector import ApiKey, CommandLogin, LoopbackRedirect, SignInMethod
from xo_cowork_core.sdk.testing.ports import free_port


@dataclass
class ServerAt:
    """The address of a server in another process."""

    url: str


def methods_for(server: ServerAt) -> list[SignInMethod]:
    """One method of each kind."""
    return [
        # the next server listens on the same port
        code_method(server, loopback=LoopbackRedirect(port=free_port())),
        device_method(server),
        ApiKey(),
        CommandLogin(
            ("sh", "-c", "echo https://acme.test/login; sleep 600"),
            url_pattern=r"https://\S+",
            read_tokens=lambda _: None,
        ),
    ]


async def main(folder: Path, url: str, method: str, *options: str) -> None:
    server = ServerAt(url)
    async with ConnectorEngine(folder, UserinfoConnector(server, methods_for(server))) as engine:
        start = asyncio.create_task(engine.start(method=method))
        flows = await eventually(lambda: _flows(engine), bool)
        if "starting" in options:
            flow = flows[0].view()
        else:
            flow = await asyncio.wait_for(start, WAIT_SECONDS)
        shown = {"flow_id": flow.flow_id, "url": flow.authorize_url, "code": flow.user_code}
        print(json.dumps(shown), flush=True)
        await asyncio.sleep(600)


def _flows(engine: ConnectorEngine) -> list:
    journal = engine.folder / "flows.json"
    return list(engine.flows._table.flows()) if journal.exists() else []


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
