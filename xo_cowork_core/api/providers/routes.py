"""Providers of models, their keys and accounts, and local models (contract §6)."""

from xo_cowork_core.api.dependencies import CallerDep, ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.providers import (
    KEY_PATH,
    KEY_STATUS_PATH,
    LINKED_ACCOUNT_PATH,
    LOCAL_PATH,
    OLLAMA_PATH,
    PROVIDERS_PATH,
    SUBSCRIPTION_PATH,
    schemas,
)
from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.config.local_models import PROVIDER
from xo_cowork_core.services.config.providers import ProviderState

OPENAI = "openai"
router = lazy_router()


@router.get(KEY_STATUS_PATH)
async def read_api_key(services: ServicesDep) -> schemas.KeyStatus:
    """Return whether the default runtime's provider has a key, and the key masked."""
    key = await services.providers.default_key()
    is_set = bool(key.masked)
    return schemas.KeyStatus(
        provider=key.provider,
        key_set=is_set,
        is_configured=is_set,
        has_key=is_set,
        masked=key.masked,
        masked_key=key.masked,
    )


@router.get(PROVIDERS_PATH)
async def list_providers(services: ServicesDep) -> list[schemas.ProviderRow]:
    """List the providers that the runtimes know."""
    return [_provider_row(state) for state in await services.providers.list()]


@router.post(KEY_PATH)
async def set_provider_key(
    provider_id: str, body: schemas.KeyRequest, services: ServicesDep, caller: CallerDep
) -> schemas.ChangedKey:
    """Store a provider's key for every runtime that knows the provider."""
    key = body.key or body.api_key
    if key is None:
        raise BadRequest("`key` is missing")
    return _changed(await services.providers.set_key(provider_id, key, caller))


@router.delete(KEY_PATH)
async def delete_provider_key(
    provider_id: str, services: ServicesDep, caller: CallerDep
) -> schemas.ChangedKey:
    """Delete a provider's key; one in the server's environment stays."""
    return _changed(await services.providers.delete_key(provider_id, caller))


@router.get(SUBSCRIPTION_PATH)
async def read_openai_subscription(services: ServicesDep) -> schemas.Subscription:
    """Return whether a runtime is signed in with an OpenAI subscription."""
    account = await services.providers.subscription(OPENAI)
    answer = schemas.Subscription(
        has_subscription=account is not None, is_connected=account is not None
    )
    if account and account.plan:
        answer["plan"] = account.plan
    if account and account.email:
        answer["email"] = account.email
    return answer


@router.get(LINKED_ACCOUNT_PATH)
async def read_linked_account() -> schemas.LinkedAccount:
    """Return that no account of an earlier product is linked: this server cannot link one."""
    return schemas.LinkedAccount(connected=False, linked=False)


@router.get(OLLAMA_PATH)
async def read_ollama(services: ServicesDep) -> schemas.LocalModelServer:
    """Return whether Ollama is installed and answers, and its models."""
    state = await services.local_models.state()
    return schemas.LocalModelServer(
        running=state.running,
        installed=state.installed,
        models=[
            schemas.LocalModelRow(name=each.name, size=each.size, modified_at=each.modified_at)
            for each in state.models
        ],
    )


@router.get(LOCAL_PATH)
async def read_local_provider(services: ServicesDep) -> schemas.LocalProvider:
    """Return whether prompts can be answered by a model on this machine."""
    state = await services.local_models.state()
    return schemas.LocalProvider(
        is_local=bool(state.models),
        is_connected=state.running,
        available=state.installed,
        provider=PROVIDER if state.installed else None,
    )


@router.get("/api/ollama/status")
async def read_ollama_status(services: ServicesDep) -> schemas.OllamaStatus:
    """Return whether Ollama is installed and answers."""
    state = await services.local_models.state()
    return schemas.OllamaStatus(binary_installed=state.installed, running=state.running)


def _provider_row(state: ProviderState) -> schemas.ProviderRow:
    return schemas.ProviderRow(
        id=state.provider.id,
        name=state.provider.name,
        env_key=state.provider.env_key,
        is_set=state.is_set,
        runtimes=list(state.runtimes),
        set_for=list(state.with_key),
    )


def _changed(state: ProviderState) -> schemas.ChangedKey:
    return schemas.ChangedKey(ok=True, provider=state.provider.id, is_set=state.is_set)
