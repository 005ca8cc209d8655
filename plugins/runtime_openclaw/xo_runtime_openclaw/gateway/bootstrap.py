"""The gateway's token and configuration: read where they exist, created where they do not."""

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
    """Return the gateway's token, empty when none is set. Reads files.

    Order: env file and the server's environment, the gateway's configuration (when the gateway
    is on this machine), the token that this server has created.
    """
    environment = context.secrets.environment()
    secret = environment.get(TOKEN_KEY)
    if secret and secret.get_secret_value():
        return secret.get_secret_value()
    token = _configured(options.config) if options.loopback else ""
    if token.startswith("${") and token.endswith("}"):
        named = environment.get(token[2:-1])
        token = named.get_secret_value() if named else ""
    return token or stored_token(context)


def _configured(config: Path) -> str:
    try:
        gateway = row(read_json5(config.read_text("utf-8"))).get("gateway")
    except (OSError, ValueError):
        return ""
    return text_of(row(row(gateway).get("auth")).get("token"))


def minimal_config(options: Options) -> Json:
    """Return the minimal configuration; without `gateway.mode` the gateway does not start."""
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
    """Write the minimal configuration, unless a file exists."""
    options.config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = orjson.dumps(minimal_config(options), option=orjson.OPT_INDENT_2)
    _create(options.config, body)


def ensure_token(context: HostContext) -> str:
    """Return the token of the supervised gateway, created if necessary."""
    file = context.paths.ensure_state_folder() / TOKEN_FILE
    _create(file, secrets.token_urlsafe(TOKEN_BYTES).encode())
    return stored_token(context)


def stored_token(context: HostContext) -> str:
    """Return the created token, empty when there is none."""
    try:
        return (context.paths.ensure_state_folder() / TOKEN_FILE).read_text().strip()
    except OSError:
        return ""


def _create(path: Path, content: bytes) -> None:
    """Create a file with mode 0600, atomically; an existing one stays."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # a link fails on an existing file; a rename would replace it
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
