"""Words for what a plugin raised."""


def describe_fault(error: BaseException) -> str:
    """Put an exception into one short line: its class and the first line of its text."""
    lines = str(error).strip().splitlines()
    text = lines[0][:200] if lines else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
