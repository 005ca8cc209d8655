"""An agent whose turns end in what no reader could be sent."""

from xo_cowork_core.sdk import (
    AgentError,
    AgentFailure,
    Contributions,
    Done,
    Runtime,
    RuntimeInfo,
    TextDelta,
    hookimpl,
)


class Odd(Runtime):
    def describe(self):
        return RuntimeInfo(name="odd", title="Odd")

    async def run(self, turn):
        yield TextDelta("Well. ")
        if turn.text == "raise half a letter":
            raise AgentFailure("not \ud800 text", code="upstream")
        if turn.text == "yield half a letter":
            yield AgentError("not \ud800 text")
        if turn.text == "yield no tokens":
            yield Done(tokens="many")
        if turn.text == "yield no message":
            yield AgentError(object())


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions()

    @hookimpl
    def xo_runtimes(self, context):
        return [Odd()]


plugin = Plugin()
