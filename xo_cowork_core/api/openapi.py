"""The OpenAPI document: FastAPI's own, with our error body and ids that are unique."""

import warnings
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from xo_cowork_core.api.errors import ErrorBody

Schema = dict[str, Any]
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
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )


def finish(schema: Schema) -> Schema:
    """Put the true error answers in, and tell the methods of one route apart."""
    schemas: Schema = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["ErrorBody"] = ErrorBody.model_json_schema()
    seen: set[str] = set()
    for path in schema.get("paths", {}).values():
        for method, operation in path.items():
            if operation["operationId"] in seen:
                operation["operationId"] += f"_{method}"
            seen.add(operation["operationId"])
            responses: Schema = operation["responses"]
            responses.pop("422", None)
            responses["4XX"] = responses["5XX"] = {
                "description": "What is wrong",
                "content": {"application/json": {"schema": ERROR_REFERENCE}},
            }
    return schema
