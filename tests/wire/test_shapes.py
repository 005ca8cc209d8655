"""The OpenAPI document tells the truth: of real answers, and of its own examples."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import schemathesis

from xo_cowork_core.sdk.testing import Chat, LiveServer

SPA = {"X-XO-Wire": "spa"}
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


def test_real_answers_have_the_shapes_that_the_document_tells(server, document):
    turn = Chat(server, "demo").run_turn("tools", agent_id="shapes")
    schema = schemathesis.openapi.from_dict(document)
    session = f"/api/sessions/{turn.session_id}"
    for template, path, headers in [
        ("/api/sessions", "/api/sessions", {}),
        ("/api/sessions", "/api/sessions", SPA),
        ("/api/sessions/search", "/api/sessions/search?q=note", {}),
        ("/api/sessions/search", "/api/sessions/search?q=note", SPA),
        ("/api/sessions/{session_id}", session, {}),
        ("/api/messages/{session_id}", f"/api/messages/{turn.session_id}", {}),
        ("/api/chat/active", "/api/chat/active", {}),
        ("/api/usage", "/api/usage", {}),
        ("/api/usage/analytics", "/api/usage/analytics", {}),
        ("/api/usage/summary", "/api/usage/summary", {}),
        ("/api/usage/summary/card", "/api/usage/summary/card", {}),
        ("/api/usage/sessions", "/api/usage/sessions", {}),
        ("/api/xo-projects/{project_id}/usage", "/api/xo-projects/shapes/usage", {}),
        ("/health", "/health", {}),
        ("/api/plugins", "/api/plugins", {}),
    ]:
        answer = server.client.get(path, headers=headers)
        assert answer.status_code == 200, path
        schema[template]["GET"].validate_response(answer)
    answer = server.client.patch(session, json={"is_pinned": True})
    schema["/api/sessions/{session_id}"]["PATCH"].validate_response(answer)


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
    assert len(parts) == 4


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
