"""Checks each JSON response of a test server against the server's own OpenAPI document.

A test process fetches the document once, and again for routes of plugins: once for each selection
of these. Each operation's schema is compiled at its first response.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from http import HTTPStatus
from typing import Any, TypeAlias, cast

import httpx
import jsonschema_rs

# JSON Schema, and parts of an OpenAPI document
Schema: TypeAlias = dict[str, Any]
PluginSelection: TypeAlias = tuple[str, tuple[str, ...]]
DOCUMENT_PATH = "/openapi.json"
JSON_TYPE = "application/json"
BODY_CHARACTERS = 500
# a busy machine makes a document of many plugins in seconds, not in the 5 that httpx waits
DOCUMENT_SECONDS = 30.0


class Operation:
    """One method of one path in the document."""

    def __init__(self, name: str, operation: Schema, components: Schema) -> None:
        self.name = name
        # the tag is a family of the core or the name of a plugin, which has a kind before its "_"
        self.is_of_core = all("_" not in tag for tag in operation.get("tags", ()))
        self._responses: Schema = operation["responses"]
        self._components = components
        self._validators: dict[tuple[str, str], jsonschema_rs.Draft202012Validator] = {}

    def check(self, response: httpx.Response, wire_style: str) -> None:
        """Raise AssertionError when the JSON body differs from the documented schema."""
        status = str(response.status_code)
        key = status if status in self._responses else f"{status[0]}XX"
        content = self._responses.get(key, {}).get("content", {})
        assert JSON_TYPE in content, f"{self.name}: JSON with status {status} is not documented"
        if (key, wire_style) not in self._validators:
            schema = _schema_of_style(content[JSON_TYPE].get("schema", {}), wire_style)
            self._validators[key, wire_style] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": self._components}, validate_formats=True
            )
        body = response.json()
        error = next(self._validators[key, wire_style].iter_errors(body), None)
        if error is not None:
            place = "/".join(map(str, error.instance_path)) or "the body"
            excerpt = response.text[:BODY_CHARACTERS]
            raise AssertionError(f"{self.name} {status}: {place}: {error.message}\nin {excerpt}")


class Document:
    """The operations of an OpenAPI document, found by method and path."""

    def __init__(self, document: Schema) -> None:
        components = _refuse_other_fields(document.get("components", {}))
        self._literal: dict[tuple[str, str], Operation] = {}
        self._templates: list[tuple[str, re.Pattern[str], Operation]] = []
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                name = f"{method.upper()} {path}"
                known = Operation(name, _refuse_other_fields(operation), components)
                if "{" in path:
                    pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
                    self._templates.append((method.upper(), pattern, known))
                else:
                    self._literal[method.upper(), path] = known

    def find(self, method: str, path: str) -> Operation | None:
        """Return the operation that answers a request, or None."""
        if literal := self._literal.get((method, path)):
            return literal
        return next(
            (
                operation
                for expected, pattern, operation in self._templates
                if expected == method and pattern.fullmatch(path)
            ),
            None,
        )


@cache
def shared_documents() -> dict[PluginSelection, Document]:
    """Return the documents that this test process has fetched."""
    return {}


class AnswerCheck:
    """The check of one server's responses. `variables` is the environment of the server."""

    def __init__(self, variables: Mapping[str, str], python_path: Sequence[str]) -> None:
        self._variables = variables
        self._selection = (variables.get("XO_PLUGINS", ""), tuple(python_path))

    @cached_property
    def _default_style(self) -> str:
        by_stage = "spa" if self._variables.get("STAGE") == "beta" else "docs"
        return self._variables.get("XO_WIRE_STYLE", by_stage)

    def __call__(self, response: httpx.Response) -> None:
        """Check a response; for httpx's event hook `response`."""
        if not _has_json(response) or response.request.url.path == DOCUMENT_PATH:
            return
        response.read()
        request = response.request
        if operation := self._find(request):
            style = request.headers.get("x-xo-wire", self._default_style)
            operation.check(response, style)

    def _find(self, request: httpx.Request) -> Operation | None:
        method, path = request.method, request.url.path
        for document in shared_documents().values():
            operation = document.find(method, path)
            if operation and operation.is_of_core:
                return operation
        document = self._own_document(request)
        return document.find(method, path) if document else None

    def _own_document(self, request: httpx.Request) -> Document | None:
        documents = shared_documents()
        if self._selection not in documents:
            url = request.url.copy_with(path=DOCUMENT_PATH, query=None)
            fetched = httpx.get(
                url, headers=_credentials(request), timeout=DOCUMENT_SECONDS, trust_env=False
            )
            if fetched.status_code != HTTPStatus.OK:
                return None
            documents[self._selection] = Document(fetched.json())
        return documents[self._selection]


def _has_json(response: httpx.Response) -> bool:
    """Return whether the body is an answer in JSON, and not a JSON file that is sent."""
    kind = response.headers.get("content-type", "").partition(";")[0]
    is_file = response.headers.get("content-disposition", "").startswith("attachment")
    return kind == JSON_TYPE and not is_file and response.request.method != "HEAD"


def _credentials(request: httpx.Request) -> dict[str, str]:
    names = ("authorization", "coder-session-token", "host")
    return {name: request.headers[name] for name in names if name in request.headers}


def _schema_of_style(schema: Schema, wire_style: str) -> Schema:
    """Of a response with two forms, return the object in docs style and the list in spa style."""
    options = cast("list[Schema]", schema.get("anyOf", []))
    lists = [option for option in options if option.get("type") == "array"]
    others = [option for option in options if option.get("type") != "array"]
    if len(lists) == len(others) == 1:
        return lists[0] if wire_style == "spa" else others[0]
    return schema


def _refuse_other_fields(node: Any) -> Any:
    """Return a schema in which an object has the documented fields alone.

    Where a schema says nothing about other fields, JSON Schema allows them; a response must not
    have a field that its document hides.
    """
    if isinstance(node, list):
        return [_refuse_other_fields(entry) for entry in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    entries = cast("Schema", node)
    closed = {key: _refuse_other_fields(entry) for key, entry in entries.items()}
    if isinstance(entries.get("properties"), dict) and entries.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
