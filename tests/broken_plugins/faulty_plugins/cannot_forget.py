"""Runtimes that fail when a message is to be dropped: one raises, one leaves, one never answers."""

import asyncio

from xo_cowork_core.sdk import EditsHistory, Runtime, RuntimeInfo, TextDelta, hookimpl


class Clinger(Runtime, EditsHistory):
    def __init__(self, name, failure):
        self.name = name
        self.failure = failure

    def describe(self):
        return RuntimeInfo(name=self.name, title=self.name.title())

    async def run(self, turn):
        yield TextDelta(f"you said {turn.text}")

    async def drop(self, session_id, message_id):
        if self.failure is None:
            await asyncio.Event().wait()
        raise self.failure


class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [
            Clinger("raiser", RuntimeError("planted-secret-text")),
            Clinger("leaver", SystemExit("planted-secret-text")),
            Clinger("dreamer", None),
        ]


plugin = Plugin()
