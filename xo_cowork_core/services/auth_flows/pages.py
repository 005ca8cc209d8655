"""The page on which a browser ends after a sign-in. It repeats nothing of the request."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

PAGE_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">
<style>body{{font:16px sans-serif;margin:20vh auto 0;max-width:28em;padding:0 1em}}</style>
</head><body><h1>{title}</h1><p>{message}</p></body></html>
"""


def result_page(*, ok: bool, message: str) -> bytes:
    """Return the page for people that says how a sign-in ended. `message` is a constant text."""
    title = "Signed in" if ok else "Not signed in"
    return PAGE.format(title=title, message=escape(message)).encode()
