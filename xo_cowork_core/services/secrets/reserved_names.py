"""Environment entries that no plugin may set: the server's own, those of loaders, broken ones."""

import os
import re

SERVER = re.compile(r"XO_.*|PORT|HOST|STAGE")
# what a dynamic linker, a shell or an interpreter reads before a program's first line
LOADERS = re.compile(
    r"PATH|HOME|SHELL|IFS|ENV|BASH_ENV|BASH_FUNC_.*|PROMPT_COMMAND|LD_.*|DYLD_.*|GLIBC_.*"
    r"|GCONV_PATH|PYTHON.*|NODE_OPTIONS|NODE_PATH|NODE_EXTRA_CA_CERTS|PERL5.*|RUBYOPT|RUBYLIB"
    r"|JAVA_TOOL_OPTIONS|GIT_(SSH|SSH_COMMAND|EXEC_PATH|CONFIG.*)",
)


def find_refusal(name: str, value: object = "") -> str:
    """Return why an entry is refused, as the end of a sentence that begins with its name; else "".

    One that no process can have would keep every agent from starting.
    """
    if not name or "=" in name or "\0" in name:
        return "is no name of an environment variable"
    if not _is_possible(value):
        return "has a value that is no text, or has a NUL character or half a surrogate pair"
    if SERVER.fullmatch(name):
        return "is the server's own"
    if LOADERS.fullmatch(name):
        return "decides which programs run"
    return ""


def _is_possible(value: object) -> bool:
    try:
        return isinstance(value, str) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False
