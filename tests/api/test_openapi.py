"""The OpenAPI document is whole."""

import pytest

from xo_cowork_core.sdk.testing import LiveServer


@pytest.fixture(scope="module")
def document() -> dict:
    with LiveServer(environment={"XO_PLUGINS": "none"}) as server:
        return server.client.get("/openapi.json").json()


def _operations(document: dict):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_operation_ids_are_unique(document):
    ids = [operation["operationId"] for _, operation in _operations(document)]
    assert len(ids) == len(set(ids)) > 10


def test_every_operation_has_its_familys_tag(document):
    assert all(len(operation["tags"]) == 1 for _, operation in _operations(document))


def test_every_answer_and_body_has_a_schema_and_an_example(document):
    bare = []
    for name, operation in _operations(document):
        contents = [answer.get("content", {}) for answer in operation["responses"].values()]
        if "requestBody" in operation:
            contents.append(operation["requestBody"]["content"])
        for content in contents:
            found = content.get("application/json")
            if found is not None and not _has_example(document, found):
                bare.append(name)
    assert bare == []


def test_no_answer_is_a_422(document):
    assert all("422" not in operation["responses"] for _, operation in _operations(document))


def _has_example(document: dict, content: dict) -> bool:
    schema = content.get("schema", {})
    schema = schema.get("items", schema)
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if any("example" in place or "examples" in place for place in (content, schema)):
        return True
    fields = schema.get("properties", {}).values()
    return any("example" in field or "examples" in field for field in fields)
