"""The OpenAPI document: FastAPI's own, with the error body, unique ids, whole examples, and the
operations that each connector has."""

import warnings
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from xo_cowork_core.api.connectors import OPERATION_PATHS
from xo_cowork_core.api.errors import ErrorBody

# FastAPI's type for a document and its parts
Schema: TypeAlias = dict[str, Any]
DOCUMENT_PATH = "/openapi.json"
ERROR_REFERENCE = {"$ref": "#/components/schemas/ErrorBody"}


def operation_id(route: APIRoute) -> str:
    """Return an operation's id: its family or plugin, and its function."""
    family = str(route.tags[0]) if route.tags else "core"
    return f"{family}_{route.name}"


def install_openapi(app: FastAPI, connectors: Callable[[], Collection[str]] = tuple[str]) -> None:
    """Replace the app's generator of its document. `connectors` returns their names."""

    def openapi() -> Schema:
        if app.openapi_schema is None:
            document = make_document(
                app.routes,
                title=app.title,
                version=app.version,
                description=app.description,
                tags=app.openapi_tags,
            )
            add_connector_operations(document, connectors())
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # pyright: ignore[reportAttributeAccessIssue]  # FastAPI's documented way


def make_document(
    routes: Sequence[BaseRoute],
    *,
    title: str = "",
    version: str = "",
    description: str = "",
    tags: list[Schema] | None = None,
) -> Schema:
    """Return the document of some routes."""
    with warnings.catch_warnings():
        # it warns of ids that `complete_document` makes unique
        warnings.filterwarnings("ignore", "Duplicate Operation ID")
        document = get_openapi(
            title=title, version=version, description=description, routes=routes, tags=tags
        )
    return complete_document(document)


def complete_document(document: Schema) -> Schema:
    """Replace the error answers by the real ones and make the ids of operations unique."""
    schemas: Schema = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["ErrorBody"] = ErrorBody.model_json_schema()
    for schema in schemas.values():
        if "example" in schema:
            schema["example"] = _restore_nulls(schemas, schema, schema["example"])
    ids: set[str] = set()
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            if operation["operationId"] in ids:
                operation["operationId"] += f"_{method}"
            ids.add(operation["operationId"])
            _complete_responses(schemas, operation["responses"])
    return document


def add_connector_operations(document: Schema, names: Collection[str]) -> None:
    """Document the operations of any connector also under the path of each connector."""
    paths: Schema = document.get("paths", {})
    for template in OPERATION_PATHS:
        for name in sorted(names):
            path = paths.setdefault(template.replace("{name}", name), {})
            for method, operation in paths.get(template, {}).items():
                path.setdefault(method, _operation_of(operation, name))


def _operation_of(operation: Schema, name: str) -> Schema:
    parameters = [each for each in operation["parameters"] if each["in"] != "path"]
    return operation | {
        "operationId": f"{operation['operationId']}_{name}",
        "parameters": parameters,
    }


def _complete_responses(schemas: Schema, responses: Schema) -> None:
    responses.pop("422", None)
    for response in responses.values():
        for content in response.get("content", {}).values():
            if "example" in content:
                schema = content.get("schema", {})
                content["example"] = _restore_nulls(schemas, schema, content["example"])
    responses["4XX"] = responses["5XX"] = {
        "description": "What is wrong",
        "content": {"application/json": {"schema": ERROR_REFERENCE}},
    }


def _restore_nulls(schemas: Schema, schema: Schema, example: object) -> object:
    """Return an example with its null fields, which FastAPI drops from examples."""
    schema = _resolve(schemas, schema, example)
    if isinstance(example, list):
        items = cast("list[object]", example)
        return [_restore_nulls(schemas, schema.get("items", {}), item) for item in items]
    if not isinstance(example, dict):
        return example
    fields, rest = schema.get("properties", {}), schema.get("additionalProperties")
    others: Schema = cast("Schema", rest) if isinstance(rest, dict) else {}
    values = {
        key: _restore_nulls(schemas, fields.get(key, others), value)
        for key, value in cast("dict[str, object]", example).items()
    }
    return dict.fromkeys(schema.get("required", ())) | values


def _resolve(schemas: Schema, schema: Schema, example: object) -> Schema:
    """Follow a reference; of several schemas, return the first that has the example's fields."""
    if "$ref" in schema:
        return schemas[schema["$ref"].rpartition("/")[2]]
    names, is_list = _field_names(example), isinstance(example, list)
    for option in schema.get("anyOf", ()):
        resolved = _resolve(schemas, option, example)
        if is_list != (resolved.get("type") == "array"):
            continue
        if names <= set(resolved.get("properties", names)):
            return resolved
    return schema


def _field_names(example: object) -> set[str]:
    return set(cast("Schema", example)) if isinstance(example, dict) else set()
