"""Reads what a person pasted after signing in: a URL, its query, or the bare code."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from xo_cowork_core.services.connectors.errors import CodeMissing

MAX_CHARACTERS = 16 * 1024
QUERY_MEMBER = re.compile(r"[?&#]?\b(code|state|error)=")
BARE_CODE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class RedirectAnswer:
    """The members of an authorization answer; `is_query` is False for a bare code."""

    code: str = ""
    state: str = ""
    error: str = ""
    issuer: str = ""
    is_query: bool = True


def parse_paste(text: str) -> RedirectAnswer:
    """Return the answer in a pasted text. Values are decoded once. Raises CodeMissing."""
    # line breaks and spaces come from terminals and mail programs: a URL has none
    compact = "".join(text.split())
    if not compact or len(compact) > MAX_CHARACTERS:
        raise CodeMissing("Paste the whole address of the page on which the browser ended.")
    if QUERY_MEMBER.search(compact):
        return answer_of(_query_of(compact))
    if "://" in compact or not BARE_CODE.fullmatch(compact):
        raise CodeMissing("This address has no code: paste the one on which the browser ended.")
    return RedirectAnswer(code=compact, is_query=False)


def answer_of(query: dict[str, str]) -> RedirectAnswer:
    """Return the answer in the members of a query."""
    return RedirectAnswer(
        code=query.get("code", ""),
        state=query.get("state", ""),
        error=query.get("error", ""),
        issuer=query.get("iss", ""),
    )


def _query_of(text: str) -> dict[str, str]:
    if "://" in text:
        try:
            parts = urlsplit(text)
        except ValueError:
            raise CodeMissing("This is not a web address.") from None
        text = parts.query or parts.fragment
    pairs = parse_qs(text.lstrip("?#&"), keep_blank_values=True)
    return {name: values[0] for name, values in pairs.items()}
