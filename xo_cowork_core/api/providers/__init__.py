"""The route family `providers`: providers of models, their keys and accounts, local models."""

from xo_cowork_core.api.route_family import RouteFamily

KEY_STATUS_PATH = "/api/config/api-key"
PROVIDERS_PATH = "/api/config/providers"
SUBSCRIPTION_PATH = "/api/config/openai-subscription"
LINKED_ACCOUNT_PATH = "/api/config/openyak-account"
OLLAMA_PATH = "/api/config/ollama"
LOCAL_PATH = "/api/config/local"
KEY_PATH = PROVIDERS_PATH + "/{provider_id}/key"
FAMILY = RouteFamily(
    name="providers",
    description="Providers of models: their keys and accounts, and the models of this machine.",
    package=__name__,
    prefixes=(
        KEY_STATUS_PATH,
        PROVIDERS_PATH,
        SUBSCRIPTION_PATH,
        LINKED_ACCOUNT_PATH,
        OLLAMA_PATH,
        LOCAL_PATH,
        "/api/ollama",
    ),
)
