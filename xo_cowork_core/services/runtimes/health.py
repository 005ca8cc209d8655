"""The health check of a runtime or connector: it always returns a health, in a limited time."""

import asyncio
import logging

from xo_cowork_core.sdk import ChecksHealth, Health, XoError
from xo_cowork_core.services.runtimes.calls import CallTimeout, checked_call
from xo_cowork_core.services.runtimes.plugin_record import (
    PluginError,
    PluginRecord,
    describe_exception,
)

HEALTH_SECONDS = 5.0
DETAIL_CHARACTERS = 2000
PLACE = "health()"
LOG_SAYS_WHY = "Its health check failed; the log says why."
log = logging.getLogger("xo_cowork.health")


async def check_health(record: PluginRecord, subject: object, name: str) -> Health:
    """Check a runtime or connector, unless its plugin does not serve.

    One without the ability is ready. One whose plugin has required secrets without a value needs
    configuration, whatever it says itself.
    """
    if not record.serves:
        return Health(
            state="starting" if record.is_starting else "failed",
            detail=record.error or f"The plugin {record.name} is {record.state}.",
        )
    if unset := await _unset_secrets(record):
        return Health(state="needs_auth", detail=f"It needs configuration: {unset}.")
    if not isinstance(subject, ChecksHealth):
        return Health(state="ready")
    return await _call_health(record, subject, name)


async def _call_health(record: PluginRecord, subject: ChecksHealth, name: str) -> Health:
    try:
        seconds = record.limit_of(PLACE, HEALTH_SECONDS)
        health = await checked_call(subject, ChecksHealth.health, seconds=seconds)
        record.late_calls.discard(PLACE)
        if len(health.detail) > DETAIL_CHARACTERS:
            raise PluginError(f"Health.detail must be one sentence, not {len(health.detail)} long")
        return health
    except CallTimeout:
        record.add_late_call(PLACE, HEALTH_SECONDS)
        # on a busy machine a turn may still work, and has time limits of its own
        return Health(state="degraded", detail="Its health check took too long.")
    except XoError as error:
        # such as an env file that cannot be read
        return Health(state="failed", detail=error.message[:DETAIL_CHARACTERS])
    except PluginError as fault:
        record.add_fault(PLACE, str(fault))
    except Exception as error:
        record.add_fault(PLACE, f"{PLACE} of {name} raised {describe_exception(error)}")
        log.exception("health of %s", name)
    return Health(state="failed", detail=LOG_SAYS_WHY)


async def _unset_secrets(record: PluginRecord) -> str:
    """Return what to set, with the file to set it in."""
    if not any(secret.required for secret in record.secrets):
        return ""
    keys = await asyncio.to_thread(record.unset_secrets)
    return f"set {', '.join(keys)} in {record.env_file}" if keys else ""
