"""A plugin whose runtime records each session that it must close: a plugin's text."""

CLOSING = """\
import asyncio

from xo_cowork_core.sdk import ClosesSessions, Runtime, RuntimeInfo, TextDelta, hookimpl


class Closing(Runtime, ClosesSessions):
    def __init__(self, folder):
        self._folder = folder

    def describe(self):
        return RuntimeInfo(name="closing", title="Closing")

    async def run(self, turn):
        (self._folder / turn.session_id).write_text(turn.text)
        yield TextDelta("noted")

    async def close_session(self, session_id):
        file = self._folder / session_id
        text = file.read_text()
        file.write_text("closed")
        if text == "raise":
            raise ZeroDivisionError("on purpose")
        if text == "hang":
            await asyncio.sleep(60)


class ClosingPlugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [Closing(context.paths.ensure_state_folder())]


plugin = ClosingPlugin()
"""
