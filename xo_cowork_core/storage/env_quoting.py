r"""Quoting of one entry of an env file, so that its readers see the same value.

The readers are python-dotenv (without interpolation), a shell's `source`, and npm's dotenv, with
which OpenClaw reads its file. They agree on three forms: the bare word, `'…'`, and `"…"` without
anything special. Their escapes differ: dotenv readers don't know `\$`, and npm's knows no `\"`.

A value that fits none of the forms is written twice, for a shell and for the others:

    KEY="it's \$5" #<CR>KEY=it's $5

For a shell the line ends at LF, so that what follows `#` is a comment. dotenv readers end a line
at a lone CR, too, and of two assignments they use the last. npm's dotenv alone misreads what is
left: a value with `'` and `"` or a backslash that also has `#`, blanks at an end or a quote first.
"""

import re

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./=-]*")
# inside "…", a shell expands or unescapes from these on
SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'["$`\\]')
SHELL_END = "#\r"


class EnvFileError(ValueError):
    """An entry cannot be written; the message names its key, never its value."""


def is_one_line(value: str) -> bool:
    """Return whether neither Python nor a shell splits a value into lines, and it has no NUL."""
    return "\0" not in value and len(f"{value}.".splitlines()) == 1


def render_assignment(key: str, value: str, *, export: str = "") -> str:
    """Return the assignment without a line end. `export` is what stands before it.

    Raises EnvFileError for a key or value that an env file can't hold.
    """
    if not KEY.fullmatch(key):
        raise EnvFileError(f"{key!r} cannot be the name of an entry: letters, digits and _ only")
    if not is_one_line(value):
        raise EnvFileError(f"The value of {key} must be one line, without NUL")
    quoted = _quote_for_all(value)
    if quoted is not None:
        return f"{export}{key}={quoted}"
    dotenv_part = f"{key}={_quote_for_dotenv(value)}"
    return f"{export}{key}={_quote_for_shell(value)} {SHELL_END}{dotenv_part}"


def _quote_for_all(value: str) -> str | None:
    """Return a form on which all readers agree, None where there is none."""
    if PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\\\\" not in value and not value.endswith("\\"):
        return f"'{value}'"
    return None if SPECIAL_IN_DOUBLE_QUOTES.search(value) else f'"{value}"'


def _quote_for_shell(value: str) -> str:
    # backslashes at the end stand behind the quotes: npm's dotenv takes \" for a quote inside
    bare = value.rstrip("\\")
    escaped = SPECIAL_IN_DOUBLE_QUOTES.sub(r"\\\g<0>", bare)
    return f'"{escaped}"' + "\\\\" * (len(value) - len(bare))


def _quote_for_dotenv(value: str) -> str:
    has_margin = value.strip().strip("\ufeff") != value
    if not has_margin and value[0] not in "'\"`" and "#" not in value:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    # npm's dotenv turns \n and \r into line ends where double quotes are
    return f'"{escaped}"'
