"""Brings a runtime, then fails: nothing of it may stay."""

from xo_cowork_core.sdk import Contributions, Runtime, RuntimeInfo, hookimpl


class Half(Runtime):
    def describe(self):
        return RuntimeInfo(name="half", title="Half")

    async def run(self, turn):
        return
        yield


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(prefixes=["/api/half"])

    @hookimpl
    def xo_runtimes(self, context):
        return [Half()]

    @hookimpl
    def xo_routers(self, context):
        raise SystemExit("the printer is on fire")


plugin = Plugin()
