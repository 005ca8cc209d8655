"""Names of environment entries that no plugin may set: the server's own and those of loaders."""

import re

SERVER = re.compile(r"XO_.*|PORT|HOST|STAGE")
# what a dynamic linker, a shell or an interpreter reads before a program's first line
LOADERS = re.compile(
    r"PATH|HOME|SHELL|IFS|ENV|BASH_ENV|BASH_FUNC_.*|PROMPT_COMMAND|LD_.*|DYLD_.*|GLIBC_.*"
    r"|GCONV_PATH|PYTHON.*|NODE_OPTIONS|NODE_PATH|NODE_EXTRA_CA_CERTS|PERL5.*|RUBYOPT|RUBYLIB"
    r"|JAVA_TOOL_OPTIONS|GIT_(SSH|SSH_COMMAND|EXEC_PATH|CONFIG.*)",
)


def find_refusal(name: str) -> str:
    """Return why a name is refused, as the end of a sentence that begins with it; else ""."""
    if SERVER.fullmatch(name):
        return "is the server's own"
    if LOADERS.fullmatch(name):
        return "decides which programs run"
    return ""
