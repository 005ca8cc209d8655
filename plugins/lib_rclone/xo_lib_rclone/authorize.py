"""The sign-in by `rclone authorize`, with the OAuth client that is built into rclone.

The program listens on 127.0.0.1:53682 itself and ends at the first request with a wrong state, so
that only an answer whose state the host has compared is passed on to it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, cast

from pydantic import SecretStr

from xo_cowork_core.sdk import UpstreamFailed
from xo_cowork_core.sdk.connector import CommandLogin, CommandOutput, LoopbackRedirect, TokenSet
from xo_lib_rclone.program import INSTALL, RcloneProgram

METHOD_ID = "rclone"
PORT = 53682
URL_PATTERN = r"(http://127\.0\.0\.1:53682/auth\?state=\S+)"


def authorize_method(
    program: RcloneProgram,
    backend_type: str,
    *,
    title: str,
    options: Sequence[str] = (),
    host: Literal["127.0.0.1", "localhost"] = "127.0.0.1",
) -> CommandLogin:
    """Return the sign-in method. `options` are further arguments, such as the scope.

    `host` is the name in the redirect URI that rclone uses for this backend.
    """
    return CommandLogin(
        id=METHOD_ID,
        title=title,
        argv=[
            program.command,
            "authorize",
            backend_type,
            "--auth-no-open-browser",
            # no configuration file: nothing is read, and nothing is written
            "--config=",
            *options,
        ],
        url_pattern=URL_PATTERN,
        read_tokens=read_tokens,
        install=INSTALL,
        environment=program.environment(),
        callback=LoopbackRedirect(host=host, port=PORT, path="/"),
    )


def read_tokens(output: CommandOutput) -> TokenSet:
    """Return the tokens that `rclone authorize` printed. Raises UpstreamFailed."""
    for line in output.stdout.splitlines():
        if line.strip().startswith("{"):
            return read_token(line)
    raise UpstreamFailed("rclone printed no token.")


def read_token(text: str) -> TokenSet:
    """Return the tokens of rclone's JSON form. Raises UpstreamFailed."""
    try:
        entries: object = json.loads(text)
    except ValueError:
        entries = None
    token = cast("Mapping[str, object]", entries) if isinstance(entries, Mapping) else {}
    access, refresh = token.get("access_token"), token.get("refresh_token")
    if not isinstance(access, str) or not access:
        raise UpstreamFailed("rclone printed no token.")
    return TokenSet(
        SecretStr(access),
        SecretStr(refresh) if isinstance(refresh, str) and refresh else None,
        _read_expiry(token.get("expiry")),
    )


def _read_expiry(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    # Go's zero time means that the token does not expire
    return moment if moment.tzinfo is not None and moment.year > 1 else None
