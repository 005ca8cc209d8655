"""The routes of clients that carry out the browser's part of a sign-in themselves."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from xo_connector_vercel.connector import ISSUER, SCOPES, TITLE
from xo_connector_vercel.options import (
    CALLBACK_PATH,
    EXCHANGE_PATH,
    NAME,
    OAUTH,
    REDIRECT_URI,
    RESOURCE_PATH,
    START_PATH,
)
from xo_connector_vercel.schemas import PreflightBody, ResourceBody
from xo_cowork_core.sdk import HostContext
from xo_cowork_core.sdk.connector.browser_sign_in import BrowserSignIn, RedirectRules
from xo_cowork_core.sdk.connector.browser_sign_in_bodies import (
    ExchangeRequest,
    StartBody,
    start_body,
)
from xo_cowork_core.sdk.connector.callback_page import callback_headers, callback_page
from xo_cowork_core.sdk.connector.status_body import StatusBody, connection_body

CORS_HEADERS = {
    "Access-Control-Allow-Methods": "GET, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, MCP-Protocol-Version",
    "Access-Control-Max-Age": "600",
}
MAX_URI_CHARACTERS = 2048


def build_router(context: HostContext) -> APIRouter:
    """Return the plugin's routes."""
    router = APIRouter()
    rules = RedirectRules(CALLBACK_PATH, REDIRECT_URI.name)
    sign_in = BrowserSignIn(context, NAME, TITLE, OAUTH, rules)
    _add_sign_in_routes(router, sign_in)
    _add_callback_route(router, sign_in)
    _add_resource_routes(router, context)
    return router


def _add_sign_in_routes(router: APIRouter, sign_in: BrowserSignIn) -> None:
    @router.get(START_PATH)
    async def start_oauth(
        request: Request,
        redirect_uri: Annotated[str, Query(max_length=MAX_URI_CHARACTERS)] = "",
    ) -> StartBody:
        """Start a sign-in, or return the one that is open for the same redirect URI.

        `redirect_uri` is on this machine, as Vercel demands, or the configured one.
        """
        return start_body(await sign_in.start(redirect_uri, request.headers))

    @router.post(EXCHANGE_PATH)
    async def exchange_code(body: ExchangeRequest) -> StatusBody:
        """Complete a sign-in with the code that came back. The same code again is harmless."""
        return connection_body(await sign_in.exchange(body.code, body.state))


def _add_callback_route(router: APIRouter, sign_in: BrowserSignIn) -> None:
    @router.get(
        CALLBACK_PATH,
        response_class=HTMLResponse,
        responses={
            200: {"description": "The sign-in has succeeded.", "content": {"text/html": {}}},
            400: {"description": "No such sign-in, or it failed.", "content": {"text/html": {}}},
        },
    )
    async def take_callback(request: Request) -> HTMLResponse:
        """Take a browser's return from Vercel; the page tells the one that opened it.

        It sends `{type: "vercel_oauth_success"}` or `{type: "vercel_oauth_error", error}` to the
        origin that started the sign-in, else to this server's own. Open without a token: it only
        ends the sign-in whose single-use `state` it brings.
        """
        sent = request.query_params.multi_items()
        query = dict(sent)
        # RFC 6749 §3.1: a parameter must not occur twice
        result = await sign_in.come_back(query if len(query) == len(sent) else {})
        page = callback_page(result, TITLE, "vercel_oauth")
        return HTMLResponse(page, 200 if result.ok else 400, dict(callback_headers()))


def _add_resource_routes(router: APIRouter, context: HostContext) -> None:
    @router.get(RESOURCE_PATH)
    async def describe_resource() -> ResourceBody:
        """Return the metadata of this server as an OAuth resource (RFC 9728)."""
        return ResourceBody(
            # the configured address: a Host header could name another server
            resource=context.url_for("/").rstrip("/"),
            authorization_servers=[ISSUER],
            scopes_supported=list(SCOPES),
            bearer_methods_supported=["header"],
        )

    @router.options(
        RESOURCE_PATH,
        status_code=204,
        responses={200: {"description": "A browser's preflight.", "model": PreflightBody}},
    )
    async def allow_resource() -> Response:
        """Say which requests are allowed. Preflights of browsers are answered by the host."""
        return Response(status_code=204, headers=CORS_HEADERS)
