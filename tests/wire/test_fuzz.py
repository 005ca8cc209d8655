"""Every core route under requests made from its own document, valid and broken ones.

A run makes as many requests of each kind to each operation as it has fault rounds.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import response_schema_conformance
from schemathesis.generation import GenerationMode

from xo_cowork_core.sdk.testing import LiveServer

ANY_TEXT = {"type": "string", "title": ""}
KNOWN = {200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 412, 413, 431, 501, 502, 503}
# a stream that ends when its client leaves
ENDLESS = "/api/connectors/events"


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}) as running:
        yield running


def check(case: schemathesis.Case) -> None:
    answer = case.call()
    assert answer.status_code in KNOWN, f"{case.method} {case.path}: {answer.text}"
    is_page = case.path == "/api/oauth/callback"
    if answer.status_code >= 400 and case.method != "HEAD" and not is_page:
        assert answer.json()["detail"]
    if answer.headers.get("content-type") == ["application/json"]:
        case.validate_response(answer, checks=[response_schema_conformance])


def has_wrong_input(operation: schemathesis.APIOperation[Any, Any, Any, Any]) -> bool:
    """Return whether the document excludes any input; it excludes no text in a path.

    Where it excludes none, a search for a wrong one takes half a second of CPU to give up.
    """
    return bool(operation.body) or any(
        parameter.definition["in"] != "path"
        or {**parameter.definition["schema"], "title": ""} != ANY_TEXT
        for parameter in operation.iter_parameters()
    )


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_request_gets_a_status_outside_the_contract(
    server: LiveServer, mode: GenerationMode, run_seed: int, fault_rounds: int
) -> None:
    schema = schemathesis.openapi.from_url(f"{server.base_url}/openapi.json")
    schema = schema.exclude(path=ENDLESS)

    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not has_wrong_input(operation):
            continue
        strategy = operation.as_strategy(generation_mode=mode)
        run = settings(
            max_examples=fault_rounds,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(seed(run_seed)(given(case=strategy)(check)))
        run()
    assert server.client.get("/health").json()["status"] == "ok"
