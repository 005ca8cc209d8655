"""Removes the values of secrets from texts and from log records."""

import logging
import re
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
        self._pattern: re.Pattern[str] | None = None
        self._lock = Lock()

    def add(self, secrets: Iterable[SecretStr]) -> None:
        """Add values. Those that are known cost no more than a look-up."""
        values = (secret.get_secret_value() for secret in secrets)
        new = [v for v in values if len(v) >= MIN_CHARACTERS and v not in self._values]
        if not new:
            return
        with self._lock:
            self._values.update(dict.fromkeys(new))
            while len(self._values) > MAX_VALUES:
                del self._values[next(iter(self._values))]
            # longer values first: one may be the beginning of another
            ordered = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ordered)))

    def redact(self, text: str) -> str:
        """Return a text with every known value replaced."""
        return self._pattern.sub(REPLACEMENT, text) if self._pattern else text


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
