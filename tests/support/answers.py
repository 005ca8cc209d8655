"""Answers, taken for what a test expects them to be."""

from typing import Any

import httpx

from xo_cowork_core.sdk.testing import LiveServer


def told(server: LiveServer, path: str, **query: Any) -> Any:
    """Return what a route says."""
    answer = server.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int = 400) -> str:
    """Return why a request was refused."""
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    assert detail
    return str(detail)
