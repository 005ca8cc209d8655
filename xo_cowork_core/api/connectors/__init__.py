"""The route family `connectors`: signing in to outside services, and the state of connections."""

from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy
from xo_cowork_core.services.public_address import OAUTH_CALLBACK_PATH

CONNECTORS_PATH = "/api/connectors"
EVENTS_PATH = CONNECTORS_PATH + "/events"
CONNECTOR_PATH = CONNECTORS_PATH + "/{name}"
CONNECT_PATH = CONNECTOR_PATH + "/connect"
RECONNECT_PATH = CONNECTOR_PATH + "/reconnect"
TOKEN_PATH = CONNECTOR_PATH + "/token"
FLOW_PATH = CONNECTOR_PATH + "/flows/{flow_id}"
INPUT_PATH = FLOW_PATH + "/input"
STATUS_PATH = CONNECTOR_PATH + "/status"
DISCONNECT_PATH = CONNECTOR_PATH + "/disconnect"
# what every connector has; the OpenAPI document lists them for each
OPERATION_PATHS = (STATUS_PATH, TOKEN_PATH, RECONNECT_PATH, DISCONNECT_PATH)
OAUTH_PATH = "/api/oauth"
# a key or a pasted address and a few names
SMALL_BODY = RoutePolicy(max_body_bytes=256 << 10)
FAMILY = RouteFamily(
    name="connectors",
    description="Outside services that a person signs in to, and the state of each connection.",
    package=__name__,
    prefixes=(OAUTH_PATH,),
    # a plugin may serve further routes below the name of its connector
    exact_paths=(CONNECTORS_PATH, EVENTS_PATH),
    shared_paths=(
        CONNECT_PATH,
        RECONNECT_PATH,
        TOKEN_PATH,
        FLOW_PATH,
        INPUT_PATH,
        STATUS_PATH,
        DISCONNECT_PATH,
    ),
    policies={
        EVENTS_PATH: RoutePolicy(token_in_query=True),
        CONNECT_PATH: SMALL_BODY,
        RECONNECT_PATH: SMALL_BODY,
        TOKEN_PATH: SMALL_BODY,
        INPUT_PATH: SMALL_BODY,
        DISCONNECT_PATH: SMALL_BODY,
        # a browser that comes back from a provider has no token; a single-use `state` stands in
        OAUTH_CALLBACK_PATH: RoutePolicy(public=True),
    },
)
