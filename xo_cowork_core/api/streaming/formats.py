"""The table of stream formats."""

from collections.abc import Mapping

from xo_cowork_core.api.streaming.encoder import StreamFormat
from xo_cowork_core.api.streaming.sse import SSE

FORMATS: Mapping[str, StreamFormat] = {
    SSE.name: SSE,
}


def find_format(name: str | None) -> StreamFormat:
    """Return the format of a name, SSE for an unknown one: a stream is answered in any case."""
    return FORMATS.get(name or SSE.name, SSE)
