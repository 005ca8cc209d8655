"""The route family `secrets`: keys in the env files of runtimes, and the forms of plugins."""

from xo_cowork_core.api.route_family import RouteFamily, RoutePolicy

SECRETS_PATH = "/api/secrets"
ENV_PATH = SECRETS_PATH + "/env"
SCHEMA_PATH = SECRETS_PATH + "/schema"
PLUGIN_PATH = SCHEMA_PATH + "/{plugin}"
KEY_PATH = SECRETS_PATH + "/{key}"
REVEAL_PATH = KEY_PATH + "/reveal"
# a value has 64 KiB, and JSON may take six characters for one byte
VALUE_POLICY = RoutePolicy(max_body_bytes=1 << 20, records_refusals=True)
FAMILY = RouteFamily(
    name="secrets",
    description="Keys in the env files of runtimes, and the forms of plugins.",
    package=__name__,
    prefixes=(SECRETS_PATH,),
    policies={
        ENV_PATH: RoutePolicy(records_refusals=True),
        PLUGIN_PATH: VALUE_POLICY,
        KEY_PATH: VALUE_POLICY,
        REVEAL_PATH: RoutePolicy(records_refusals=True),
    },
)
