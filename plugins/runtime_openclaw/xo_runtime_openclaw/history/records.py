"""Convert rows of the gateway's session list to session records."""

from xo_cowork_core.sdk.runtime.history import SessionRecord
from xo_runtime_openclaw.gateway.frames import Row, text_of
from xo_runtime_openclaw.history.messages import EPOCH, time_of


def record_of(session: Row) -> SessionRecord | None:
    """Return the record of a row; None for a row without an id."""
    key = text_of(session.get("key"))
    session_id = host_session_id(key, session)
    if not session_id:
        return None
    titles = (session.get(name) for name in ("derivedTitle", "label", "displayName"))
    created, updated = time_of(session, "createdAt"), time_of(session, "updatedAt")
    return SessionRecord(
        session_id=session_id,
        title=next((title for title in titles if isinstance(title, str) and title), ""),
        directory=text_of(session.get("spawnedCwd") or session.get("workspaceDir")) or None,
        message_count=0,
        time_created=created if created > EPOCH else updated,
        time_updated=max(created, updated),
    )


def host_session_id(key: str, session: Row) -> str:
    """Return the host's id of a session: for a re-created one, the original id."""
    _, marker, original_id = key.partition(":xo:again:")
    return original_id if marker else text_of(session.get("sessionId"))
