"""Restart and update of the server, and which credentials it has (contract §10)."""

from collections.abc import Mapping

from xo_cowork_core.api.dependencies import ServicesDep
from xo_cowork_core.api.lazy_route import lazy_router
from xo_cowork_core.api.lifecycle import APP_PREFIX, DEBUG_PREFIX, schemas
from xo_cowork_core.services.secrets.credential_hints import CredentialHint, hint_of

router = lazy_router()


@router.post(APP_PREFIX + "/restart")
async def restart(services: ServicesDep) -> schemas.AcceptedBody:
    """Restart the server: running turns end with an error event, and streams can be read again."""
    await services.lifecycle.control.request_restart()
    return schemas.AcceptedBody(status="accepted")


@router.post(APP_PREFIX + "/update")
async def update(services: ServicesDep) -> schemas.AcceptedBody:
    """Fast-forward the clean git checkout that the server runs from, then restart."""
    await services.lifecycle.updater.update()
    return schemas.AcceptedBody(status="accepted")


@router.get(DEBUG_PREFIX + "/ai-auth")
async def read_ai_auth(services: ServicesDep) -> schemas.AiAuthBody:
    """Say which credentials are set, with the last four characters of long ones at most."""
    runtimes = services.registry.runtimes()
    healths = await services.readiness.of_all(runtimes)
    state = services.identity.state()
    return schemas.AiAuthBody(
        ai_provider=services.selector.default_among(healths),
        identity=schemas.IdentityCredentialBody(
            is_configured=bool(services.identity.base_url),
            authenticated=state.authenticated,
            token_source=state.token_source,
            api_key=_credential_body(hint_of(services.identity.api_key)),
        ),
        runtimes={
            each.info.name: schemas.RuntimeCredentialBody(
                plugin=each.plugin.name,
                state=healths[each.info.name].state,
                signed_in=healths[each.info.name].signed_in,
            )
            for each in runtimes
        },
        plugins={
            name: _credential_bodies(hints)
            for name, hints in (await services.secrets.hints.list()).items()
        },
    )


def _credential_bodies(
    hints: Mapping[str, CredentialHint],
) -> dict[str, schemas.CredentialBody]:
    return {key: _credential_body(hint) for key, hint in hints.items()}


def _credential_body(hint: CredentialHint) -> schemas.CredentialBody:
    return schemas.CredentialBody(is_set=hint.is_set, hint=hint.hint)
