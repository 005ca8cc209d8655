"""The OpenAPI document: FastAPI's own, with our error body and ids that are unique."""

import warnings
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from xo_cowork_core.api.errors import ErrorBody

Schema = dict[str, Any]
DOCUMENT_PATH = "/openapi.json"
ERROR_REFERENCE = {"$ref": "#/components/schemas/ErrorBody"}


def operation_id(route: APIRoute) -> str:
    """Name an operation after its family or plugin and its function."""
    family = str(route.tags[0]) if route.tags else "core"
    return f"{family}_{route.name}"


def install_openapi(app: FastAPI) -> None:
    """Serve the finished document at `/openapi.json`."""

    def openapi() -> Schema:
        if app.openapi_schema is None:
            app.openapi_schema = finish(_generated(app))
        return app.openapi_schema

    app.openapi = openapi  # pyright: ignore[reportAttributeAccessIssue]  # FastAPI's documented way


def _generated(app: FastAPI) -> Schema:
    with warnings.catch_warnings():
        # it warns of ids that `finish` is about to tell apart
        warnings.filterwarnings("ignore", "Duplicate Operation ID")
        return get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )


def finish(schema: Schema) -> Schema:
    """Put the true error answers in, and tell the methods of one route apart."""
    schemas: Schema = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["ErrorBody"] = ErrorBody.model_json_schema()
    for named in schemas.values():
        if "example" in named:
            named["example"] = _with_nulls(schemas, named, named["example"])
    seen: set[str] = set()
    for path in schema.get("paths", {}).values():
        for method, operation in path.items():
            if operation["operationId"] in seen:
                operation["operationId"] += f"_{method}"
            seen.add(operation["operationId"])
            responses: Schema = operation["responses"]
            responses.pop("422", None)
            for answer in responses.values():
                for content in answer.get("content", {}).values():
                    _finish_content(schemas, content)
            responses["4XX"] = responses["5XX"] = {
                "description": "What is wrong",
                "content": {"application/json": {"schema": ERROR_REFERENCE}},
            }
    return schema


def _finish_content(schemas: Schema, content: Schema) -> None:
    if "schema" in content:
        content["schema"] = _named(content["schema"])
    if "example" in content:
        content["example"] = _with_nulls(schemas, content.get("schema", {}), content["example"])


def _named(shape: Schema) -> Schema:
    """Leave the model of a route's `responses` alone: FastAPI merges it with what the handler
    returns, an object of anything, which costs less to send than the model would."""
    if "$ref" in shape:
        return {"$ref": shape["$ref"]}
    options = shape.get("anyOf", [])
    named = [option for option in options if "$ref" in option or "$ref" in option.get("items", {})]
    others = [option for option in options if option not in named]
    if named and all(option.get("type") in {"object", "array"} for option in others):
        return {**shape, "anyOf": named}
    return shape


def _with_nulls(schemas: Schema, shape: Schema, example: Any) -> Any:
    """Put back the nulls that FastAPI drops from examples: without them one lacks its keys."""
    shape = _meant(schemas, shape, example)
    if isinstance(example, list):
        items = cast("list[Any]", example)
        return [_with_nulls(schemas, shape.get("items", {}), item) for item in items]
    if not isinstance(example, dict):
        return example
    fields, rest = shape.get("properties", {}), shape.get("additionalProperties")
    others: Schema = cast("Schema", rest) if isinstance(rest, dict) else {}
    told = {
        key: _with_nulls(schemas, fields.get(key, others), value)
        for key, value in cast("Schema", example).items()
    }
    return dict.fromkeys(shape.get("required", ())) | told


def _meant(schemas: Schema, shape: Schema, example: Any) -> Schema:
    """Resolve a reference, and of several shapes take the one that the example has."""
    if "$ref" in shape:
        return schemas[shape["$ref"].rpartition("/")[2]]
    for option in shape.get("anyOf", ()):
        found = _meant(schemas, option, example)
        keys = set(cast("Schema", example)) if isinstance(example, dict) else set[str]()
        is_list = found.get("type") == "array"
        if is_list == isinstance(example, list) and keys <= set(found.get("properties", keys)):
            return found
    return shape
