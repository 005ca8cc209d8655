"""The least that a runtime can be: a plugin's text, to see what a frontend then sees."""

BARE = '''\
"""A runtime without any ability. It repeats its prompt; the prompt `wait` makes it wait."""

import asyncio

from xo_cowork_core.sdk import Runtime, RuntimeInfo, TextDelta, hookimpl


class Bare(Runtime):
    def describe(self):
        return RuntimeInfo(name="bare", title="Bare")

    async def run(self, turn):
        yield TextDelta(f"{turn.text} model={turn.model} skill={turn.skill}")
        if turn.text == "wait":
            await asyncio.sleep(60)


class BarePlugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [Bare()]


plugin = BarePlugin()
'''
