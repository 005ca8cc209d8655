"""Keys in the env files of runtimes, and the forms of plugins (contract §5).

Without `agent_name` a route means the active file, that of the default runtime.
"""

from typing import Annotated

from fastapi import Query

from xo_cowork_core.api.dependencies import CallerDep, ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.models import OkResponse
from xo_cowork_core.api.secrets import (
    ENV_PATH,
    KEY_PATH,
    PLUGIN_PATH,
    REVEAL_PATH,
    SCHEMA_PATH,
    SECRETS_PATH,
    schemas,
    serializers,
)
from xo_cowork_core.sdk import BadRequest

router = lazy_router()
AgentName = Annotated[
    str | None, Query(description="The runtime whose env file is meant.", examples=["demo"])
]


@router.get(ENV_PATH)
async def read_env(
    services: ServicesDep, caller: CallerDep, agent_name: AgentName = None
) -> schemas.EnvResponse:
    """Return every entry with its value; the audit log records it."""
    return serializers.revealed_body(await services.secrets.store.reveal_all(caller, agent_name))


@router.put(ENV_PATH)
async def replace_env(
    body: schemas.EnvRequest,
    services: ServicesDep,
    caller: CallerDep,
    agent_name: AgentName = None,
) -> OkResponse:
    """Replace all entries, or none when one is refused. Comments and order stay."""
    entries = [(entry.key, entry.value) for entry in body.entries]
    await services.secrets.store.replace(entries, caller, agent_name)
    return OkResponse(ok=True)


@router.get(ENV_PATH + "/keys")
async def list_keys(services: ServicesDep, agent_name: AgentName = None) -> schemas.KeysResponse:
    """List the keys that have a value."""
    content = await services.secrets.store.list(agent_name)
    return schemas.KeysResponse(keys=[key for key, value in content.entries.items() if value])


@router.get(SCHEMA_PATH)
async def list_forms(services: ServicesDep) -> schemas.FormsResponse:
    """Return the form of every plugin that declares secrets."""
    forms = await services.secrets.forms.list()
    return schemas.FormsResponse(plugins=[serializers.form_body(form) for form in forms])


@router.put(PLUGIN_PATH)
async def store_form(
    plugin: str, body: schemas.FormRequest, services: ServicesDep, caller: CallerDep
) -> schemas.StoredForm:
    """Check the values of a plugin's form and store them in the plugin's env file."""
    values = {key: value for key, value in body.values.items() if value is not None}
    form = await services.secrets.forms.store(plugin, values, caller)
    return schemas.StoredForm(ok=True, **serializers.form_body(form))


@router.get(SECRETS_PATH)
async def list_secrets(
    services: ServicesDep, agent_name: AgentName = None
) -> schemas.SecretsResponse:
    """List the secrets of an env file, without their values."""
    return serializers.secrets_body(await services.secrets.store.list(agent_name))


@router.get(REVEAL_PATH)
async def reveal_secret(
    key: str, services: ServicesDep, caller: CallerDep, agent_name: AgentName = None
) -> schemas.Entry:
    """Return one value; the audit log records it."""
    secret = await services.secrets.store.reveal(key, caller, agent_name)
    return schemas.Entry(key=key, value=secret.get_secret_value())


@router.patch(KEY_PATH)
async def set_secret(
    key: str,
    body: schemas.ValueRequest,
    services: ServicesDep,
    caller: CallerDep,
    agent_name: AgentName = None,
) -> schemas.ChangedSecret:
    """Set one secret; it is created when it does not exist."""
    value = body.value.get_secret_value()
    if not value:
        raise BadRequest("The value must not be empty: delete the secret instead.")
    await services.secrets.store.set({key: body.value}, caller, agent_name)
    return schemas.ChangedSecret(ok=True, **serializers.secret_item(key, value))


@router.delete(KEY_PATH)
async def delete_secret(
    key: str, services: ServicesDep, caller: CallerDep, agent_name: AgentName = None
) -> OkResponse:
    """Delete one secret."""
    await services.secrets.store.delete(key, caller, agent_name)
    return OkResponse(ok=True)
