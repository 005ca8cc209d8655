"""Masks secrets in JSON values, such as an agent's configuration, before anyone sees them.

A text is masked for any of three reasons: its name says that it is a secret, it looks like one, or
it contains a value that is known as one. The names are matched by their words, not by a list of
known fields: programs have more kinds of keys than a list can name.
"""

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, cast

MASK = "••••"
HINT_CHARACTERS = 4
# a shorter text would lose too much of itself to the hint
MIN_HINTED = 16
# shorter known values are ordinary words when they are a part of a text
MIN_PART = 6
MIN_WHOLE = 4
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
SECRET_WORDS = frozenset(
    {"auth", "authorization", "bearer", "cookies", "creds", "dsn", "jwt", "oauth", "passcode"}
    | {"passphrases", "pat", "pin", "pwd", "sas", "signature", "webhook"}
)
# also as the end of a word, as in `apikey` and `MYTOKEN`
SECRET_ENDINGS = (
    *("key", "keys", "token", "tokens", "secret", "secrets", "password", "passwords", "passwd"),
    *("credential", "credentials", "passphrase", "cookie"),
)
# a reference to an environment entry names a secret, but is none
REFERENCE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")
TOKENS = r"""
    \b(?:sk|pk|rk|xai|gsk|hf|npm|pypi|glpat|shpat|dop_v1|r8)[-_][A-Za-z0-9_-]{8,}
    | \bgh[a-z]_[A-Za-z0-9]{8,} | \bgithub_pat_\w{8,} | \bxox[a-z]-[\w-]{8,} | \bxapp-[\w-]{8,}
    | \bAKIA[0-9A-Z]{12,} | \bAIza[\w-]{20,} | \bya29\.[\w-]{8,}
    | (?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.?[\w-]* | \b\d{6,12}:[A-Za-z0-9_-]{30,}
    | (?<=bearer\ )[^\s"']{8,} | (?<=basic\ )[A-Za-z0-9+/=]{12,}
    | (?<=://)[^/\s@]+(?=@)
    | -----BEGIN[\s\S]*?(?:-----END[^-]*-----|\Z)
    """
# in a URL, a header or on a command line; the look-behind keeps the search linear
ASSIGNMENT = re.compile(r"(?<![\w-])([\w-]+)[=:][ \t]*(?!//)")
ASSIGNED = re.compile(r"[^\s&;,\"']+")
OPTION = re.compile(r"--?[A-Za-z][\w-]*")
NAME_FIELDS = ("name", "key", "header")


@cache
def _token_pattern() -> re.Pattern[str]:
    """Return the compiled `TOKENS`. Compiling takes some milliseconds, which no start needs."""
    return re.compile(TOKENS, re.VERBOSE | re.IGNORECASE)


def masked_preview(value: str) -> str:
    """Return a mask with the last characters of a value that is long enough to spare them."""
    return MASK + value[-HINT_CHARACTERS:] if len(value) >= MIN_HINTED else MASK


def is_secret_name(name: str) -> bool:
    """Return whether a name says that its value is a secret: `apiKey`, `BOT_TOKEN`, `x-api-key`."""
    words = [word.lower() for word in WORDS.findall(name)]
    return any(word in SECRET_WORDS or word.endswith(SECRET_ENDINGS) for word in words)


class SecretMasker:
    """Masks one JSON value. `known` are values that are secrets wherever they appear; `redact`
    replaces further ones in a text."""

    def __init__(
        self, known: Collection[str] = (), redact: Callable[[str], str] | None = None
    ) -> None:
        self._whole = frozenset(value for value in known if len(value) >= MIN_WHOLE)
        parts = sorted((v for v in self._whole if len(v) >= MIN_PART), key=len, reverse=True)
        self._parts = re.compile("|".join(map(re.escape, parts))) if parts else None
        self._redact = redact

    def mask(self, value: object) -> object:
        """Return a copy without secrets. Blocks for a large value."""
        return self._masked(value, is_secret=False)

    def _masked(self, value: object, *, is_secret: bool) -> object:
        if isinstance(value, Mapping):
            return self._object(cast("Mapping[str, object]", value), is_secret=is_secret)
        if isinstance(value, list | tuple):
            return self._list(cast("list[object]", value), is_secret=is_secret)
        if isinstance(value, str):
            return self._secret(value) if is_secret else self._text(value)
        return MASK if is_secret and _is_number(value) else value

    def _object(self, entries: Mapping[str, object], *, is_secret: bool) -> dict[str, object]:
        # `{"name": "Authorization", "value": "…"}` is a pair, too
        names = [entries.get(field) for field in NAME_FIELDS]
        is_named = any(isinstance(name, str) and is_secret_name(name) for name in names)
        masked: dict[str, object] = {}
        for name, value in entries.items():
            is_value = is_named and name == "value"
            hides = is_secret or is_value or self._hides(name, value)
            masked[self._text(name)] = self._masked(value, is_secret=hides)
        return masked

    def _hides(self, name: str, value: object) -> bool:
        lowered = name.lower()
        # `auth` and `oauth` name objects with settings, whose secrets have names of their own
        if isinstance(value, Mapping) and lowered in {"auth", "oauth"}:
            return False
        # `maxTokens` is a count
        if _is_number(value) and lowered.endswith("tokens"):
            return False
        return is_secret_name(name)

    def _list(self, items: list[object], *, is_secret: bool) -> list[object]:
        masked: list[object] = []
        follows_option = False
        for item in items:
            masked.append(self._masked(item, is_secret=is_secret or follows_option))
            is_option = isinstance(item, str) and OPTION.fullmatch(item) is not None
            follows_option = is_option and is_secret_name(str(item))
        return masked

    def _secret(self, text: str) -> str:
        return text if not text or REFERENCE.fullmatch(text) else masked_preview(text)

    def _text(self, text: str) -> str:
        if text in self._whole:
            return MASK
        if self._parts:
            text = self._parts.sub(MASK, text)
        if self._redact:
            text = self._redact(text)
        return _mask_assignments(_token_pattern().sub(MASK, text))


def _mask_assignments(text: str) -> str:
    """Mask what is assigned to a secret name: `token=…`, `X-Api-Key: …`."""
    parts: list[str] = []
    position = 0
    while match := ASSIGNMENT.search(text, position):
        end = match.end()
        parts.append(text[position:end])
        value = ASSIGNED.match(text, end)
        if value and is_secret_name(match[1]) and not REFERENCE.fullmatch(value[0]):
            parts.append(MASK)
            end = value.end()
        position = end
    return "".join([*parts, text[position:]])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
