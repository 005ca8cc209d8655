"""Tools for plugins' tests: a live server, a stream reader, a client, an OAuth server, contracts.

Install with the extra `testing`. Running a server needs none of it.
"""

import pytest

# before the imports: pytest explains a failed assert only in modules that it has rewritten
ASSERTING = (
    "chat",
    "connections",
    "connector_contract",
    "contract",
    "history",
    "recording",
    "stream",
)
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in ASSERTING))

from xo_cowork_core.sdk.testing.chat import Chat, StartedTurn  # noqa: E402
from xo_cowork_core.sdk.testing.connections import Connections  # noqa: E402
from xo_cowork_core.sdk.testing.connector_contract import ConnectorContract  # noqa: E402
from xo_cowork_core.sdk.testing.connector_subject import ConnectorSubject  # noqa: E402
from xo_cowork_core.sdk.testing.contract import RuntimeContract  # noqa: E402
from xo_cowork_core.sdk.testing.fake_context import FakeContext  # noqa: E402
from xo_cowork_core.sdk.testing.frames import Frame, FrameParser, FramingError  # noqa: E402
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer  # noqa: E402
from xo_cowork_core.sdk.testing.plugin_folder import install_plugin  # noqa: E402
from xo_cowork_core.sdk.testing.process_tree import ProcessInfo, descendants, eventually  # noqa: E402
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
    "Connections",
    "ConnectorContract",
    "ConnectorSubject",
    "EventStream",
    "FakeContext",
    "FakeOAuthServer",
    "Frame",
    "FrameParser",
    "FramingError",
    "LiveServer",
    "ProcessInfo",
    "Recording",
    "RuntimeContract",
    "RuntimeSubject",
    "ScriptedRuntime",
    "StartedTurn",
    "descendants",
    "eventually",
    "install_plugin",
    "script",
    "scripted_subject",
]
