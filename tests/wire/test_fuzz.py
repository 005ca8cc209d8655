"""Every core route under requests made from its own document, valid and broken ones.

A run makes as many requests of each kind to each operation as it has fault rounds.
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import response_schema_conformance
from schemathesis.generation import GenerationMode

from xo_cowork_core.sdk.testing import LiveServer

KNOWN = {200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 412, 413, 431, 501, 502, 503}


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


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_request_gets_a_status_outside_the_contract(
    server: LiveServer, mode: GenerationMode, run_seed: int, fault_rounds: int
) -> None:
    schema = schemathesis.openapi.from_url(f"{server.base_url}/openapi.json")
    for operation in schema.get_all_operations():
        strategy = operation.ok().as_strategy(generation_mode=mode)
        run = settings(
            max_examples=fault_rounds,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(seed(run_seed)(given(case=strategy)(check)))
        # an operation without input has no wrong input
        with suppress(Unsatisfiable):
            run()
    assert server.client.get("/health").json()["status"] == "ok"
