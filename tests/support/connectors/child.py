"""A process with the services of connectors, which starts one flow: to be killed by a test.

Arguments: state folder, URL of the authorization server, id of the method. Prints the flow's id,
and the URL to open or the code to enter, as JSON.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.connectors.engine import (
    ConnectorEngine,
    UserinfoConnector,
    code_method,
    device_method,
    eventually,
)
from xo_cowork_core.sdk.connector import ApiKey, CommandLogin, SignInMethod


@dataclass
class ServerAt:
    """The address of a server in another process."""

    url: str


def methods_for(server: ServerAt) -> list[SignInMethod]:
    """One method of each kind."""
    return [
        code_method(server),
        device_method(server),
        ApiKey(),
        CommandLogin(
            ("sh", "-c", "echo https://acme.test/login; sleep 600"),
            url_pattern=r"https://\S+",
            read_tokens=lambda _: None,
        ),
    ]


async def main(folder: Path, url: str, method: str) -> None:
    server = ServerAt(url)
    async with ConnectorEngine(folder, UserinfoConnector(server, methods_for(server))) as engine:
        start = asyncio.create_task(engine.start(method=method))
        flows = await eventually(lambda: _flows(engine), bool)
        done, _ = await asyncio.wait({start}, timeout=1.0)
        flow = start.result() if done else flows[0].view()
        shown = {"flow_id": flow.flow_id, "url": flow.authorize_url, "code": flow.user_code}
        print(json.dumps(shown), flush=True)
        await asyncio.sleep(600)


def _flows(engine: ConnectorEngine) -> list:
    journal = engine.folder / "flows.json"
    return list(engine.flows._table.flows()) if journal.exists() else []


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
