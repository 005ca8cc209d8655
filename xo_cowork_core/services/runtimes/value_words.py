"""Words for a value of a wrong type. They name its type: the value itself may be content."""

import inspect

SHOWN_CHARACTERS = 40


def describe_value(value: object, expected: str = "") -> str:
    """Describe a value as the end of a sentence that says what was expected: "not dict"."""
    if inspect.iscoroutine(value):
        value.close()
        return "not a coroutine: write `def`, not `async def`"
    if inspect.isasyncgen(value) or inspect.isgenerator(value):
        return "not a generator: write `return`, not `yield`"
    if inspect.isclass(value):
        return f"not the class {value.__name__}; make it an object, {value.__name__}(…)"
    if isinstance(value, str) and expected.startswith("a list"):
        return "not str: put it into a list"
    return "not None" if value is None else f"not {type(value).__name__}"


def shorten(value: object) -> str:
    """Return a name in quotes, cut."""
    return repr(value[:SHOWN_CHARACTERS]) if isinstance(value, str) else type(value).__name__
