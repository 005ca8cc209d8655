"""What is wrong in a turn: the prompt, what `run` then does, and words of the record."""

RUNS = {
    "text": ("yield 'hello'", "run() must yield events of the SDK, not str"),
    "nothing": ("yield None", "run() must yield events of the SDK, not None"),
    "dict": ("yield {'type': 'text'}", "run() must yield events of the SDK, not dict"),
    "class": ("yield Done", "make it an object, Done(…)"),
    "base": ("yield Event()", "run() must yield events of the SDK, not Event"),
    "own": ("yield type('Mine', (TextDelta,), {})('x')", "events of the SDK, not Mine"),
    "number": ("yield TextDelta(5)", "TextDelta.text must be str, not int"),
    "bytes": ("yield ToolResult('c', 'bash', b'x')", "ToolResult.output must be str, not bytes"),
    "list": ("yield ToolCall('c', 'bash', ['ls'])", "ToolCall.arguments must be a dict that JSON"),
    "words": ("yield Question('c', 'ask', ['?'])", "Question.questions[0] must be QuestionItem"),
    "tokens": ("yield Done(tokens={'input': 5})", "Done.tokens must be Tokens or None, not dict"),
    "counts": ("yield Done(tokens=Tokens('many'))", "Done.tokens.input must be int, not str"),
    "reason": ("yield Done('finished')", "not 'finished'"),
    "ask": ("yield PermissionRequest('c', 'bash', 'other')", "make `Answers` a base class"),
    "raise": ("raise OSError('gone')", "OSError: gone"),
    "exit": ("raise SystemExit(3)", "run() raised SystemExit"),
    "interrupt": ("raise KeyboardInterrupt", "run() raised KeyboardInterrupt"),
    "cancel": ("raise asyncio.CancelledError", "run() raised CancelledError"),
    "stop": ("raise StopAsyncIteration", "RuntimeError"),
    "error": ("yield AgentError(object())", "AgentError.error_message must be str, not object"),
}
# what a plain `run` returns
RETURNS = {
    "returns_none": ("None", "run() must be an asynchronous generator, not None"),
    "returns_list": ("[TextDelta('x')]", "run() must be an asynchronous generator, not list"),
    "returns_generator": ("(e for e in [TextDelta('x')])", "not a generator: write `async def run"),
    "returns_coroutine": ("asyncio.sleep(0)", "not a coroutine: write `async def run"),
    "returns_class": ("Done", "not the class Done"),
}
