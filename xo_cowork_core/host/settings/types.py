"""Kinds of settings: how each is read from a text, and what to say when it can't be."""

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from xo_cowork_core.host.middleware.origins import host_name, normal_origin

HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Kind:
    """How to read a text. `read` raises ValueError; `allowed` says what it takes."""

    read: Callable[[str], Any]
    allowed: str


def choice(*words: str) -> Kind:
    """A kind that takes one of these words."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(text)
        return text.lower()

    return Kind(read, "one of " + ", ".join(words))


def _flag(text: str) -> bool:
    word = text.lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError(text)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (seconds > 0 and math.isfinite(seconds)):
        raise ValueError(text)
    return seconds


def _path(text: str) -> Path:
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # the home of somebody who is not here
        raise ValueError(text) from None
    if not path.is_absolute() or "\0" in text:
        raise ValueError(text)
    return path


def _host(text: str) -> str:
    host = text.lower().removeprefix("[").removesuffix("]")  # an IPv6 address as it stands in a URL
    if not host.isascii() or not set("/[]").isdisjoint(host) or host.split() != [host]:
        raise ValueError(text)
    return host


def _url(text: str) -> str:
    parts = urlsplit(text)
    known = parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname
    # to look at the port is to check it
    if not known or parts.port == 0 or text.split() != [text]:
        raise ValueError(text)
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))


def _hosts(text: str) -> tuple[str, ...]:
    if "/" in text:  # an address of a page, not a host
        raise ValueError(text)
    names = tuple(host_name(word) for word in _words(text))
    for name in names:
        if not HOST_NAME.fullmatch(name):
            ipaddress.IPv6Address(name)
    return names


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(normal_origin(word) for word in _words(text))
    if not all(origins) or "*" in text:
        raise ValueError(text)
    return origins


KINDS = {
    "text": Kind(str, "a text"),
    "secret": Kind(SecretStr, "a text"),
    "host": Kind(_host, "an address or a host name"),
    "url": Kind(_url, "an address like http://host:8080 or ws://host:8080"),
    "integer": Kind(_count, "a whole number, 0 or more"),
    "port": Kind(_port, "a port number from 0 to 65535 (0 takes a free one)"),
    "seconds": Kind(_seconds, "a number of seconds above 0"),
    "flag": Kind(_flag, "1 or 0, true or false, yes or no"),
    "path": Kind(_path, "an absolute path; ~ is allowed"),
    "list": Kind(_words, "words with commas between them"),
    "hosts": Kind(_hosts, "host names like box.example, with commas between them"),
    "origins": Kind(_origins, "origins like https://app.example, with commas between them"),
    "stage": choice("local", "beta"),
    "wire": choice("docs", "spa"),
    "permission": choice("ask", "accept_edits", "bypass"),
    "level": choice("debug", "info", "warning", "error"),
}
