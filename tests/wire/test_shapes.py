"""The OpenAPI document matches its own examples; `LiveServer` compares all answers."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import schemathesis

from xo_cowork_core.sdk.testing import LiveServer

# path, the kind of each answer's rows, and what a generated client must find in them
TYPED = {
    "/api/sessions": ("SessionPage", "SessionRow"),
    "/api/sessions/search": ("SessionSearchPage", "SessionHit"),
    "/api/sessions/{session_id}": ("SessionRow",),
    "/api/messages/{session_id}": ("MessagePage",),
    "/api/usage": ("UsageReport",),
    "/api/xo-projects/{project_id}/usage": ("UsageReport",),
}


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "runtime_demo"}) as running:
        yield running


@pytest.fixture(scope="module")
def document(server: LiveServer) -> dict:
    return server.client.get("/openapi.json").json()


def test_the_examples_of_answers_are_valid_and_whole(document):
    schema = schemathesis.openapi.from_dict(document)
    seen = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            example = _example(document, operation["responses"].get("200", {}))
            if example is not None:
                request = httpx.Request(method.upper(), f"http://127.0.0.1{path}")
                answer = httpx.Response(200, json=example, request=request)
                answer.elapsed = timedelta()
                schema[path][method.upper()].validate_response(answer)
                seen += 1
    assert seen > 20


@pytest.mark.parametrize("path", TYPED)
def test_a_generated_client_knows_the_fields_of_what_it_gets(document, path):
    answer = document["paths"][path]["get"]["responses"]["200"]
    documented = str(answer["content"]["application/json"]["schema"])
    assert all(f"schemas/{name}'" in documented for name in TYPED[path])
    parts = document["components"]["schemas"]["PartRow"]["properties"]["data"]["anyOf"]
    assert len(parts) == 5


def test_a_generated_client_knows_numbers_and_single_headers(document):
    kinds = {
        (path, parameter["name"]): parameter["schema"].get("type")
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
    }
    assert kinds["/api/sessions", "limit"] == "integer"
    assert kinds["/api/messages/{session_id}", "offset"] == "integer"
    assert kinds["/api/usage", "days"] == "integer"
    assert kinds["/api/files/save", "if-match"] == "string"


def _example(document: dict, answer: dict) -> object:
    content = answer.get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return content.get("example", schema.get("example"))
