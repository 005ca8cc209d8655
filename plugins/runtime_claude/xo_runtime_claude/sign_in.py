"""Signing in: `claude setup-token`, whose token is stored as a secret of the plugin.

Seen with 2.1.330: the program needs a terminal and draws a full-screen page; the URL's query is
one opaque value; it takes `code#state` and then Enter; after an error it waits for another key.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest, UpstreamFailed
from xo_cowork_core.sdk.connector import CommandLogin, CommandOutput, SignInMethod, TokenSet
from xo_runtime_claude.options import QUIET_ENVIRONMENT, Options

TOKEN_KEY = "CLAUDE_CODE_OAUTH_TOKEN"  # noqa: S105  # a name
INSTALL = "npm install -g @anthropic-ai/claude-code"
TOKEN = re.compile(r"\bsk-ant-oat\d\d-[\w-]{20,}")
URL_PATTERN = r"https?://\S+/oauth/authorize\?\S+"
# the first is printed for a code that the service refuses, the second for one without a state
ERROR_PATTERN = r"OAuth error: [^\n]+|Invalid code[^\n]*"
CODE = re.compile(r"[\x21-\x7e]+#[\x21-\x7e]+")
MAX_CODE_CHARACTERS = 8 * 1024
INCOMPLETE = "Paste the whole code, with the `#` in it, or the address on which the browser ended."


def sign_in_methods(options: Options) -> Sequence[SignInMethod]:
    """Return the ways to sign in."""
    environment = {**QUIET_ENVIRONMENT, "TERM": "xterm"}
    if options.has_own_config:
        environment["CLAUDE_CONFIG_DIR"] = str(options.config)
    program = str(Path(options.binary).expanduser()) if options.binary else "claude"
    return [
        CommandLogin(
            (program, "setup-token"),
            url_pattern=URL_PATTERN,
            read_tokens=read_token,
            takes_input=True,
            terminal=True,
            environment=environment,
            read_input=read_code,
            error_pattern=ERROR_PATTERN,
            install=INSTALL,
            id="setup_token",
            title="Sign in with a Claude subscription",
        )
    ]


def read_token(output: CommandOutput) -> TokenSet:
    """Return the token that the program printed. Raises UpstreamFailed."""
    match = TOKEN.search(output.stdout)
    if match is None:
        raise UpstreamFailed("Claude Code ended without a token.")
    return TokenSet(SecretStr(match.group()))


def read_code(text: str) -> str:
    """Return `code#state` from it, from the page's URL or from its query. Raises BadRequest.

    The members of a URL are decoded once; a code that was pasted alone is taken as it is.
    """
    # line breaks come from terminals and mail programs
    compact = "".join(text.split())
    if len(compact) <= MAX_CODE_CHARACTERS:
        if "://" in compact or re.search(r"(?:^|[?&])code=", compact):
            compact = _code_of_url(compact)
        if CODE.fullmatch(compact):
            return compact
    raise BadRequest(INCOMPLETE, details={"code": "code_missing"})


def _code_of_url(url: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"?{url.lstrip('?')}")
    except ValueError:
        raise BadRequest(INCOMPLETE, details={"code": "code_missing"}) from None
    members = parse_qs(parts.query)
    code, state = (members.get(name, [""])[0] for name in ("code", "state"))
    # a code has no spaces: one stands for a plus sign that was not encoded
    return f"{code}#{state or parts.fragment}".replace(" ", "+")
