"""An agent that yields what is no event, or one with a field of a wrong type."""

from xo_cowork_core.sdk import (
    Done,
    Question,
    Runtime,
    RuntimeInfo,
    TextDelta,
    Tokens,
    ToolCall,
    ToolResult,
    hookimpl,
)

ODD = {
    "text": "hello",
    "nothing": None,
    "number": TextDelta(5),
    "bytes": ToolResult("c1", "bash", b"bytes"),
    "list": ToolCall("c1", "bash", ["ls"]),
    "words": Question("c1", "ask", ["Which?"]),
    "tokens": Done(tokens={"input": 5}),
    "counts": Done(tokens=Tokens("many")),
    "reason": Done("finished"),
}


class Odd(Runtime):
    def describe(self):
        return RuntimeInfo(name="odd", title="Odd")

    async def run(self, turn):
        yield TextDelta("Well. ")
        if turn.text == "interrupt":
            raise KeyboardInterrupt
        if turn.text in ODD:
            yield ODD[turn.text]


class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [Odd()]


plugin = Plugin()
