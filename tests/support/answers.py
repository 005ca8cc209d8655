"""Requests and checks of responses, with the status that a test expects."""

from typing import Any

import httpx

from xo_cowork_core.sdk.testing import LiveServer


def get_json(server: LiveServer, path: str, **query: Any) -> Any:
    """Return the JSON body of a GET request that succeeds."""
    answer = server.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def expect_error(answer: httpx.Response, status: int = 400) -> str:
    """Check the status of an error response and return its `detail`."""
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    assert detail
    return str(detail)
