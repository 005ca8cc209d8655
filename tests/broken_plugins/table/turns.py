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
# an ability of the one runtime that administers: the request, the methods, words of the record
REQUESTS = {
    "agents": ("GET", "/api/agents", None),
    "save_agent": ("POST", "/api/agents", {"name": "ada"}),
    "channels": ("GET", "/api/channels", None),
    "add_channel": ("POST", "/api/channels/add", {"channel": "slack", "token": "t"}),
    "open_session": ("POST", "/api/chat/prompt", {"text": "x", "agent_name": "clerk"}),
}
ANSWERS = {
    "agents": (
        ("None", "agents() must return a list of Agent, not None"),
        ("{}", "not dict: write `return [Agent(id=…)]`"),
        ("[{'id': 'a'}]", "agents()[0] must be Agent, not dict"),
        ("[Agent(5)]", "agents()[0].id must be str, not int"),
        ("[Agent('a', ['x'])]", "agents()[0].fields must be a dict that JSON can hold"),
        ("[Agent('a', {'x': object()})]", "not one with a key or value of another type"),
        ("[Agent('a', {5: 'x'})]", "not one with a key or value of another type"),
        ("[Agent('a', session_count='2')]", "agents()[0].session_count must be int, not str"),
    ),
    "save_agent": (
        ("None", "save_agent() must return Agent, not None"),
        ("{'id': 'ada'}", "save_agent() must return Agent, not dict"),
    ),
    "channels": (
        ("None", "channels() must return a dict of str to a dict that JSON can hold, not None"),
        ("['slack']", "channels() must return a dict of str"),
        ("{'slack': True}", "channels()['slack'] must be a dict that JSON can hold, not bool"),
        ("{'slack': {'x': float('nan')}}", "not one with a key or value of another type"),
    ),
    "add_channel": (
        ("None", "add_channel() must return bool, not None"),
        ("'yes'", "add_channel() must return bool, not str"),
    ),
    "open_session": (
        ("None", "open_session() must return str, not None"),
        ("5", "open_session() must return str, not int"),
        ("'../../etc'", "open_session() must return the session's id"),
        ("''", "open_session() must return the session's id"),
    ),
}
