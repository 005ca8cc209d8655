"""Requests and checks of responses, with the status that a test expects."""

from typing import Any

import httpx

from xo_cowork_core.sdk.testing import LiveServer, eventually


def get_json(server: LiveServer, path: str, **query: Any) -> Any:
    """Return the JSON body of a GET request that succeeds."""
    answer = server.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def wait_for_state(server: LiveServer, runtime: str, state: str) -> None:
    """Wait until a runtime is in a state; until its first check ends it is starting."""
    eventually(
        lambda: get_json(server, "/health")["runtimes"][runtime]["state"] == state,
        15,
        f"{runtime} is {state}",
    )


def expect_error(answer: httpx.Response, status: int = 400) -> str:
    """Check the status of an error response and return its `detail`."""
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    assert detail
    return str(detail)
