"""Tools to try plugins with: a live server, a strict reader, a frontend, the contracts.

Install with the extra `testing`. Nothing here is needed to run a server.
"""

import pytest

# before the import: pytest explains a failed assert only in modules that it rewrote
ASSERTING = ("chat", "contract", "history", "stream", "transcript")
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in ASSERTING))

from xo_cowork_core.sdk.testing.chat import Chat, Started  # noqa: E402
from xo_cowork_core.sdk.testing.contract import RuntimeContract  # noqa: E402
from xo_cowork_core.sdk.testing.frames import Frame, FrameParser, FramingError  # noqa: E402
from xo_cowork_core.sdk.testing.plugin_folder import install_plugin  # noqa: E402
from xo_cowork_core.sdk.testing.proctree import Pid, descendants, eventually  # noqa: E402
from xo_cowork_core.sdk.testing.recording import Recording  # noqa: E402
from xo_cowork_core.sdk.testing.scripted import (  # noqa: E402
    ScriptedRuntime,
    script,
    scripted_subject,
)
from xo_cowork_core.sdk.testing.server import LiveServer  # noqa: E402
from xo_cowork_core.sdk.testing.stream import EventStream  # noqa: E402
from xo_cowork_core.sdk.testing.subject import Ability, RuntimeSubject  # noqa: E402

__all__ = [
    "Ability",
    "Chat",
    "EventStream",
    "Frame",
    "FrameParser",
    "FramingError",
    "LiveServer",
    "Pid",
    "Recording",
    "RuntimeContract",
    "RuntimeSubject",
    "ScriptedRuntime",
    "Started",
    "descendants",
    "eventually",
    "install_plugin",
    "script",
    "scripted_subject",
]
