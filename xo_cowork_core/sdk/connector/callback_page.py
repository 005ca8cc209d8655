"""The page on which a browser ends after a sign-in. It tells the page that opened its window.

What is shown and sent stands in attributes, escaped. The script is constant, and the only one that
the policy of the page allows.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape

from xo_cowork_core.sdk.connector.browser_sign_in import CallbackResult

__all__ = ["callback_headers", "callback_page"]

SCRIPT = """
const { message, origin } = document.body.dataset;
if (window.opener) {
  window.opener.postMessage(JSON.parse(message), origin);
  window.close();
}
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">
<style>body{{font:16px sans-serif;margin:20vh auto 0;max-width:28em;padding:0 1em}}</style>
</head><body data-message="{content}" data-origin="{origin}"><h1>{title}</h1><p>{message}</p>
<script>{script}</script></body></html>
"""


def callback_page(result: CallbackResult, title: str, event: str) -> bytes:
    """Return the page of a browser's return from the service `title`, in UTF-8.

    It posts `{type: "<event>_success"}` or `{type: "<event>_error", error}` to `result.opener`.
    """
    sent = {"type": f"{event}_success"}
    if not result.ok:
        sent = {"type": f"{event}_error", "error": result.message}
    return PAGE.format(
        title=escape(f"{'Signed' if result.ok else 'Not signed'} in to {title}"),
        message=escape(result.message),
        content=escape(json.dumps(sent)),
        origin=escape(result.opener),
        script=SCRIPT,
    ).encode()


def callback_headers() -> Mapping[str, str]:
    """Return the headers of the page: nothing is loaded, framed, stored or passed on."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "cache-control": "no-store",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
