"""The gateway's token and configuration: found where they are, made where there are none."""

import os
import secrets
from pathlib import Path

import orjson

from xo_cowork_core.sdk import HostContext, Json
from xo_runtime_openclaw.gateway.frames import row, text_of
from xo_runtime_openclaw.json5_reader import read_json5
from xo_runtime_openclaw.options import TOKEN_KEY, Options

TOKEN_FILE = "gateway-token"  # noqa: S105 - the name of a file, not a secret
TOKEN_BYTES = 32


def read_token(context: HostContext, options: Options) -> str:
    """Return the gateway's token, empty when nobody set one. Reads disk.

    The env file and the server's environment come first, then the gateway's own configuration,
    where the gateway runs here, then the one made for it here.
    """
    environment = context.secrets.environment()
    secret = environment.get(TOKEN_KEY)
    if secret and secret.get_secret_value():
        return secret.get_secret_value()
    token = _configured(options.config) if options.loopback else ""
    if token.startswith("${") and token.endswith("}"):
        named = environment.get(token[2:-1])
        token = named.get_secret_value() if named else ""
    return token or kept_token(context)


def _configured(config: Path) -> str:
    try:
        gateway = row(read_json5(config.read_text("utf-8"))).get("gateway")
    except (OSError, ValueError):
        return ""
    return text_of(row(row(gateway).get("auth")).get("token"))


def smallest_config(options: Options) -> Json:
    """Say what a gateway needs to start; without `gateway.mode` it does not."""
    return {
        "gateway": {
            "mode": "local",
            "bind": "loopback",
            "port": options.port,
            "auth": {"mode": "token"},
            "http": {"endpoints": {"chatCompletions": {"enabled": True}}},
        }
    }


def ensure_config(options: Options) -> None:
    """Write the smallest configuration, unless there is one."""
    options.config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = orjson.dumps(smallest_config(options), option=orjson.OPT_INDENT_2)
    _create(options.config, body)


def ensure_token(context: HostContext) -> str:
    """Return the token that this server made for its gateway, made now if need be."""
    file = context.paths.state / TOKEN_FILE
    _create(file, secrets.token_urlsafe(TOKEN_BYTES).encode())
    return kept_token(context)


def kept_token(context: HostContext) -> str:
    """Return that token, empty when none was made."""
    try:
        return (context.paths.state / TOKEN_FILE).read_text().strip()
    except OSError:
        return ""


def _create(path: Path, content: bytes) -> None:
    """Write a new file, 0600, whole or not at all; one that is there stays."""
    if path.exists():
        return
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # a link fails where a rename would replace what somebody else has just written
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
