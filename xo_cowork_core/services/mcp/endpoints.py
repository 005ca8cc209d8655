"""The MCP server that a connector names, checked."""

import re
from urllib.parse import urlsplit

from xo_cowork_core.sdk import UpstreamFailed
from xo_cowork_core.sdk.connector import McpEndpoint
from xo_cowork_core.services.connectors.connector_calls import mcp_server, record_fault
from xo_cowork_core.services.connectors.discovery import check_url
from xo_cowork_core.services.connectors.errors import UpstreamError
from xo_cowork_core.services.runtimes.registry import RegisteredConnector

PLACE = "mcp_server()"
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
# the gateway sets these itself
OWN_HEADERS = re.compile(
    r"host|connection|transfer-encoding|content-.*|accept.*|mcp-.*|te|upgrade|cookie", re.IGNORECASE
)


def find_endpoint(registered: RegisteredConnector) -> McpEndpoint | None:
    """Return the connector's MCP server; None without one. What is wrong with it is recorded."""
    try:
        endpoint = mcp_server(registered)
    except UpstreamFailed:
        return None
    if endpoint is not None and (problem := _problem_of(endpoint)):
        record_fault(registered, PLACE, f"{PLACE}: {problem}")
        return None
    return endpoint


def _problem_of(endpoint: McpEndpoint) -> str:
    try:
        parts = urlsplit(check_url(endpoint.url))
        is_plain = not (parts.username or parts.password or parts.fragment) and parts.port != 0
    except (ValueError, UpstreamError):
        return "url must be https, or http on a loopback address"
    if not is_plain or re.search(r"[\s\x00-\x1f\x7f]", endpoint.url):
        return "url must have neither credentials nor a fragment nor spaces"
    header = endpoint.token_header
    if header and (not HEADER_NAME.fullmatch(header) or OWN_HEADERS.fullmatch(header)):
        return "token_header must be the name of a header that the protocol does not use"
    return ""
