"""Every request that a page names is served, and every route of the core is in a page."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.docs.routes import Request, requests, served


@pytest.fixture(scope="module")
def routes() -> Mapping[str, Mapping[str, Any]]:
    """What a server with this repository's plugins serves."""
    return served(plugins=True)


NAMED = list(requests())
WITH_QUERY = [request for request in NAMED if request.query]
WITH_BODY = [request for request in NAMED if any(request.keys)]


def name(request: Request) -> str:
    return f"{request.page}-{request.route}"


def test_every_request_of_a_page_is_served(routes: Mapping[str, Mapping[str, Any]]) -> None:
    assert [name(request) for request in NAMED if request.route not in routes] == []


@pytest.mark.parametrize("request_", WITH_QUERY, ids=name)
def test_the_query_of_a_request_is_read(
    request_: Request, routes: Mapping[str, Mapping[str, Any]]
) -> None:
    known = routes[request_.route].get("parameters", [])
    assert set(request_.query) <= {each["name"] for each in known if each["in"] == "query"}


@pytest.mark.parametrize("request_", WITH_BODY, ids=name)
def test_the_keys_of_a_body_are_read_and_no_required_one_is_left_out(
    request_: Request, routes: Mapping[str, Mapping[str, Any]]
) -> None:
    body = routes[request_.route]["body"]
    keys = {key.rstrip("?") for key in request_.keys if key not in {"", "…"}}
    if not body or not keys:
        return
    required = set(body.get("required", []))
    assert keys <= set(body["properties"])
    assert required <= keys
    assert not {key for key in request_.keys if key.endswith("?")} & {f"{k}?" for k in required}


def test_every_route_of_the_core_is_in_a_page() -> None:
    assert set(served(plugins=False)) - {request.route for request in NAMED} == set()
