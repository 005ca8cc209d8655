"""Rules for the entries that a client may write into an env file."""

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.secrets.reserved_names import find_refusal
from xo_cowork_core.storage.env_quoting import KEY, is_one_line

MAX_KEY_CHARACTERS = 256
# Linux passes at most 128 KiB of one entry to a program
MAX_VALUE_BYTES = 64 << 10


def require_entry(key: str, value: str, place: str = "") -> None:
    """Raise BadRequest for an entry that must not be written; the message names the key.

    `place` is where the client sent it, such as `Entry 3`.
    """
    require_key(key, place)
    name = f"{place}, {key}" if place else key
    if not is_one_line(value):
        raise BadRequest(f"{name}: the value must be one line, without NUL or line separators")
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise BadRequest(f"{name}: the value may have at most {MAX_VALUE_BYTES >> 10} KiB")


def require_key(key: str, place: str = "") -> None:
    """Raise BadRequest for a name that must not be written."""
    start = f"{place}: " if place else ""
    if len(key) > MAX_KEY_CHARACTERS:
        raise BadRequest(f"{start}a key may have at most {MAX_KEY_CHARACTERS} characters")
    if not KEY.fullmatch(key):
        raise BadRequest(f"{start}a key has letters, digits and _, and no digit first; not {key!r}")
    if refusal := find_refusal(key):
        raise BadRequest(f"{start}{key} {refusal}: it cannot be set here")
