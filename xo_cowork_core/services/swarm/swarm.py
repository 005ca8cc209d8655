"""What is sent to the XO service. The host stops each part before what it reads."""

from typing import NamedTuple

from xo_cowork_core.services.swarm.message_reporter import MessageReporter
from xo_cowork_core.services.swarm.usage_sync import UsageSync


class Swarm(NamedTuple):
    """The messages of the older chat, and the usage of each day."""

    messages: MessageReporter
    usage: UsageSync

    def start(self) -> None:
        """Begin to send, once the server listens: the first request loads the HTTP client."""
        self.messages.start()
        self.usage.start()
