"""Calls its runtime as the neighbour's is called."""

from xo_cowork_core.sdk import Runtime, RuntimeInfo, hookimpl


class Copy(Runtime):
    def describe(self):
        return RuntimeInfo(name="copy", title="Copy", aliases=("neighbour",))

    async def run(self, turn):
        return
        yield


class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [Copy()]


plugin = Plugin()
