"""The address at which the agent of a running turn reaches a connector's MCP server."""

from typing import Annotated, Any

from fastapi import Path, Request, Response

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.mcp import SERVER_PATH
from xo_cowork_core.api.mcp.response import McpResponse
from xo_cowork_core.services.mcp.gateway import McpRequest

router = lazy_router()
Connector = Annotated[str, Path(max_length=64)]
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
RESULT: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {"tools": []}}
NOT_FOUND = {"detail": "There is no such connector."}
# a message, or a batch of them
SCHEMA: dict[str, Any] = {"type": ["object", "array"]}
MESSAGE = {"schema": SCHEMA, "example": CALL}
REQUEST_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": MESSAGE}}
}
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What the MCP server answers, as JSON or as an event stream.",
        "content": {
            "application/json": {"schema": SCHEMA, "example": RESULT},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    },
    404: {
        "description": "There is no such connector, or the MCP server has ended the session.",
        "content": {"application/json": {"schema": {"type": "object"}, "example": NOT_FOUND}},
    },
}


@router.post(SERVER_PATH, response_class=Response, responses=ANSWER, openapi_extra=REQUEST_BODY)
async def send_message(connector: Connector, request: Request, services: ServicesDep) -> Response:
    """Send a JSON-RPC message to the MCP server.

    Where it can't be answered, the answer is an error of JSON-RPC with a sentence for people.
    """
    return await _relay(connector, request, services)


@router.get(SERVER_PATH, response_class=Response, responses=ANSWER)
async def listen(connector: Connector, request: Request, services: ServicesDep) -> Response:
    """Listen for what the MCP server sends by itself, until the turn ends."""
    return await _relay(connector, request, services)


@router.delete(SERVER_PATH, response_class=Response, responses=ANSWER)
async def end_session(connector: Connector, request: Request, services: ServicesDep) -> Response:
    """End a session of the MCP server."""
    return await _relay(connector, request, services)


async def _relay(connector: str, request: Request, services: ServicesDep) -> Response:
    token = _bearer_token(request)
    # before the body is read
    services.mcp_gateway.check(token, connector)
    # one value for each name: Starlette's headers keep the first, whose meaning nobody can change
    headers = {name: request.headers[name] for name in request.headers}
    sent = McpRequest(request.method, connector, token, headers, await request.body())
    return McpResponse(services.mcp_gateway, sent)


def _bearer_token(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""
