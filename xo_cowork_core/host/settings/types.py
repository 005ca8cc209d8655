"""The types of settings: how each is parsed from a text, and how errors describe it."""

import ipaddress
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from xo_cowork_core.host.middleware.origins import host_name, normal_origin

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class SettingType(NamedTuple):
    """A parser, which raises ValueError, and a description of the texts that it accepts."""

    parse: Callable[[str], Any]
    description: str


def one_of(*words: str) -> SettingType:
    """Return a type that accepts one of these words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(text)
        return text.lower()

    return SettingType(parse, "one of " + ", ".join(words))


def _parse_flag(text: str) -> bool:
    word = text.lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError(text)


def _parse_port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _parse_count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _parse_seconds(text: str) -> float:
    seconds = float(text)
    if not (seconds > 0 and math.isfinite(seconds)):
        raise ValueError(text)
    return seconds


def _parse_path(text: str) -> Path:
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # `~name` of a user who does not exist
        raise ValueError(text) from None
    if not path.is_absolute() or "\0" in text:
        raise ValueError(text)
    return path


def _parse_host(text: str) -> str:
    host = text.lower().removeprefix("[").removesuffix("]")  # IPv6 in URL form
    if not host.isascii() or not set("/[]").isdisjoint(host) or host.split() != [host]:
        raise ValueError(text)
    return host


def _parse_url(text: str) -> str:
    parts = urlsplit(text)
    is_address = parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname
    # reading `port` raises ValueError for an invalid one
    if not is_address or parts.port == 0 or text.split() != [text]:
        raise ValueError(text)
    return text


def _parse_public_url(text: str) -> str:
    parts = urlsplit(_parse_url(text))
    # a base that paths are appended to
    if (
        parts.scheme not in {"http", "https"}
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
    ):
        raise ValueError(text)
    return text.rstrip("/")


def _parse_url_path(text: str) -> str:
    """Accept a path that is appended to a base address, and can't leave it."""
    parts = urlsplit(text)
    is_path = text.startswith("/") and not text.startswith("//") and parts.path == text
    if not is_path or ".." in text or text.split() != [text] or not text.isascii():
        raise ValueError(text)
    return text


def _parse_loopback_url(text: str) -> str:
    parts = urlsplit(_parse_public_url(text))
    if parts.scheme != "http" or parts.hostname not in LOOPBACK_HOSTS:
        raise ValueError(text)
    return text.rstrip("/")


def _parse_hour(text: str) -> int:
    hour = int(text)
    if not 0 <= hour <= 23:
        raise ValueError(text)
    return hour


def _parse_words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))


def _parse_hosts(text: str) -> tuple[str, ...]:
    if "/" in text:  # a URL, not a host
        raise ValueError(text)
    names = tuple(host_name(word) for word in _parse_words(text))
    for name in names:
        if not HOST_NAME.fullmatch(name):
            ipaddress.IPv6Address(name)
    return names


def _parse_origins(text: str) -> tuple[str, ...]:
    origins = tuple(normal_origin(word) for word in _parse_words(text))
    if not all(origins) or "*" in text:
        raise ValueError(text)
    return origins


def _parse_webhook_url(text: str) -> SecretStr:
    """Accept https, or http to this machine. The address may contain a secret of its own."""
    parts = urlsplit(_parse_url(text))
    is_secure = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    )
    if not is_secure or "@" in parts.netloc or parts.fragment:
        raise ValueError(text)
    return SecretStr(text)


SETTING_TYPES = {
    "text": SettingType(str, "a text"),
    "secret": SettingType(SecretStr, "a text"),
    "host": SettingType(_parse_host, "an address or a host name"),
    "url": SettingType(_parse_url, "an address like http://host:8080 or ws://host:8080"),
    "public_url": SettingType(_parse_public_url, "an address like https://box.example"),
    "webhook_url": SettingType(
        _parse_webhook_url, "an address like https://hooks.example/xo, or http on this machine"
    ),
    "url_path": SettingType(_parse_url_path, "a path like /auth/start"),
    "hour": SettingType(_parse_hour, "an hour from 0 to 23"),
    "loopback_url": SettingType(
        _parse_loopback_url, "an address like http://127.0.0.1:11434, on this machine"
    ),
    "integer": SettingType(_parse_count, "a whole number, 0 or more"),
    "port": SettingType(_parse_port, "a port number from 0 to 65535 (0 takes a free one)"),
    "seconds": SettingType(_parse_seconds, "a number of seconds above 0"),
    "flag": SettingType(_parse_flag, "1 or 0, true or false, yes or no"),
    "path": SettingType(_parse_path, "an absolute path; ~ is allowed"),
    "list": SettingType(_parse_words, "words with commas between them"),
    "hosts": SettingType(_parse_hosts, "host names like box.example, with commas between them"),
    "origins": SettingType(
        _parse_origins, "origins like https://app.example, with commas between them"
    ),
    "stage": one_of("local", "beta"),
    "wire": one_of("docs", "spa"),
    "permission": one_of("ask", "accept_edits", "bypass"),
    "level": one_of("debug", "info", "warning", "error"),
}
