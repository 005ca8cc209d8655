"""The page of a browser's return shows and sends texts, never markup."""

import html
import json
import re

import pytest

from xo_cowork_core.sdk.connector.browser_sign_in import CallbackResult
from xo_cowork_core.sdk.connector.callback_page import callback_page

HOSTILE = "\"'><script>alert(1)</script></body><img src=x onerror=alert(1)>{title}&amp;\u2028"


@pytest.mark.parametrize("ok", [True, False])
def test_hostile_texts_stay_texts(*, ok: bool) -> None:
    page = callback_page(CallbackResult(ok, HOSTILE, HOSTILE), HOSTILE, "acme").decode()
    assert page.count("<script") == 1
    assert "<img" not in page
    assert page.count("</body>") == 1
    message, origin = re.findall(r'data-(?:message|origin)="([^"]*)"', page)
    assert html.unescape(origin) == HOSTILE
    sent = json.loads(html.unescape(message))
    assert sent.get("error", HOSTILE) == HOSTILE
    assert sent["type"] == ("acme_success" if ok else "acme_error")
