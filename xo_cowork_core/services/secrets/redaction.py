"""Removes the values of secrets from texts and from log records."""

import logging
from collections.abc import Iterable
from threading import Lock

from pydantic import SecretStr

MIN_CHARACTERS = 8
MAX_VALUES = 10_000
REPLACEMENT = "[redacted]"


class SecretRedactor:
    """Knows the values of all secrets that the server has read, up to `MAX_VALUES`.

    Values of less than `MIN_CHARACTERS` are left alone: they would hide ordinary words. Used by
    several threads.
    """

    def __init__(self) -> None:
        self._values = dict[str, None]()
        # by their first MIN_CHARACTERS, longer values first: one may be the beginning of another
        self._by_start: dict[str, tuple[str, ...]] = {}
        self._lock = Lock()

    def add(self, secrets: Iterable[SecretStr]) -> None:
        """Add values. Those that are known cost no more than a look-up."""
        values = (secret.get_secret_value() for secret in secrets)
        new = [v for v in values if len(v) >= MIN_CHARACTERS and v not in self._values]
        if not new:
            return
        with self._lock:
            for value in new:
                self._add_value(value)
            while len(self._values) > MAX_VALUES:
                self._remove_value(next(iter(self._values)))

    def redact(self, text: str) -> str:
        """Return a text with every known value replaced.

        Takes about 0.1 ms for 1,000 characters, however many values there are.
        """
        by_start = self._by_start
        parts: list[str] = []
        end = 0
        for place in range(len(text) - MIN_CHARACTERS + 1):
            start = text[place : place + MIN_CHARACTERS]
            if place < end or start not in by_start:
                continue
            for value in by_start.get(start, ()):
                if text.startswith(value, place):
                    parts += (text[end:place], REPLACEMENT)
                    end = place + len(value)
                    break
        return "".join((*parts, text[end:])) if parts else text

    def _add_value(self, value: str) -> None:
        if value in self._values:
            return
        self._values[value] = None
        start = value[:MIN_CHARACTERS]
        values = (*self._by_start.get(start, ()), value)
        self._by_start[start] = tuple(sorted(values, key=len, reverse=True))

    def _remove_value(self, value: str) -> None:
        del self._values[value]
        start = value[:MIN_CHARACTERS]
        others = tuple(other for other in self._by_start[start] if other != value)
        if others:
            self._by_start[start] = others
        else:
            del self._by_start[start]


class RedactionFilter(logging.Filter):
    """Redacts the message and the traceback of each record of a handler or logger."""

    def __init__(self, redactor: SecretRedactor) -> None:
        super().__init__()
        self._redactor = redactor
        self._formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record, and let it pass."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            # logging reports the wrong arguments itself
            return True
        redacted = self._redactor.redact(message)
        if redacted != message:
            record.msg, record.args = redacted, None
        if record.exc_info and not record.exc_text:
            traceback = self._formatter.formatException(record.exc_info)
            record.exc_text = self._redactor.redact(traceback)
        return True
