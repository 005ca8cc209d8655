"""Answers of token endpoints, standard and otherwise."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xo_cowork_core.sdk import HttpResponse, XoError
from xo_cowork_core.services.connectors.errors import (
    AccessDenied,
    ExpiredToken,
    InvalidClient,
    InvalidGrant,
    UpstreamError,
    UpstreamUnreachable,
)
from xo_cowork_core.services.connectors.token_answers import (
    AuthorizationPending,
    parse_device_authorization,
    parse_tokens,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEVICE = {
    "device_code": "d",
    "user_code": "u",
    "verification_uri": "https://acme.test/device",
    "expires_in": 900,
}


def answer(body: object, status: int = 200, kind: str = "application/json") -> HttpResponse:
    text = body if isinstance(body, str) else json.dumps(body)
    return HttpResponse(status, {"content-type": kind}, text.encode())


def test_a_standard_answer_is_read_whole() -> None:
    tokens = parse_tokens(
        answer(
            {
                "access_token": "a",
                "refresh_token": "r",
                "expires_in": 3600,
                "token_type": "bearer",
                "scope": "read write",
                "id_token": "i",
                "created": 7,
            }
        ),
        NOW,
    )
    assert tokens.access_token.get_secret_value() == "a"
    assert tokens.refresh_token and tokens.refresh_token.get_secret_value() == "r"
    assert tokens.expires_at == NOW + timedelta(hours=1)
    assert tokens.scopes == ("read", "write")
    assert {name: value.get_secret_value() for name, value in tokens.extra.items()} == {
        "id_token": "i"
    }


def test_a_form_is_read_as_json_is() -> None:
    form = "access_token=a%2Bb&expires_in=60&scope=repo%2Cgist&token_type=bearer"
    tokens = parse_tokens(answer(form, kind="application/x-www-form-urlencoded"), NOW)
    assert tokens.access_token.get_secret_value() == "a+b"
    assert (tokens.scopes, tokens.expires_at) == (("repo", "gist"), NOW + timedelta(seconds=60))


@pytest.mark.parametrize("life", [None, -1, True, "soon", "", 1e300, float("nan"), [], 10**30])
def test_a_life_that_makes_no_sense_counts_as_unknown(life: object) -> None:
    tokens = parse_tokens(answer({"access_token": "a", "expires_in": life}), NOW)
    assert tokens.expires_at is None


def test_scopes_that_the_server_leaves_out_are_those_that_were_requested() -> None:
    assert parse_tokens(answer({"access_token": "a"}), NOW, ["read"]).scopes == ("read",)
    assert parse_tokens(answer({"access_token": "a", "scope": ""}), NOW, ["read"]).scopes == ()


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("invalid_grant", InvalidGrant),
        ("bad_verification_code", InvalidGrant),
        ("invalid_client", InvalidClient),
        ("access_denied", AccessDenied),
        ("expired_token", ExpiredToken),
        ("temporarily_unavailable", UpstreamUnreachable),
        ("invalid_scope", UpstreamError),
        ("<script>", UpstreamError),
        ("authorization_pending", AuthorizationPending),
        ("slow_down", AuthorizationPending),
    ],
)
def test_errors_are_read_whatever_the_status(
    status: int, error: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as raised:
        parse_tokens(answer({"error": error, "error_description": "secret-1"}, status), NOW)
    assert "secret-1" not in str(raised.value)
    assert "<" not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "status", "kind", "expected"),
    [
        ("<html>down</html>", 503, "text/html", UpstreamUnreachable),
        ("", 429, "text/plain", UpstreamUnreachable),
        ({"error": "invalid_thing"}, 500, "application/json", UpstreamUnreachable),
        ("<html>a=b</html>", 200, "text/html", UpstreamError),
        ("", 302, "text/html", UpstreamError),
        ("[]", 200, "application/json", UpstreamError),
        ("{", 200, "application/json", UpstreamError),
        ({"access_token": 7}, 200, "application/json", UpstreamError),
        ({"access_token": ""}, 200, "application/json", UpstreamError),
        ("null", 404, "application/json", UpstreamError),
    ],
)
def test_what_is_no_answer_of_oauth_is_an_error(
    body: object, status: int, kind: str, expected: type[XoError]
) -> None:
    with pytest.raises(expected):
        parse_tokens(answer(body, status, kind), NOW)


def test_a_server_says_when_to_come_back() -> None:
    busy = HttpResponse(429, {"retry-after": "120"})
    with pytest.raises(UpstreamUnreachable) as raised:
        parse_tokens(busy, NOW)
    assert raised.value.retry_after == 120


def test_a_device_answer_is_read_with_the_names_of_some_providers() -> None:
    device = parse_device_authorization(
        answer(
            {
                **{name: value for name, value in DEVICE.items() if name != "verification_uri"},
                "verification_url": "https://acme.test/d",
                "interval": "7",
            }
        )
    )
    assert (device.verification_uri, device.interval, device.expires_in) == (
        "https://acme.test/d",
        7,
        900,
    )


def test_a_device_code_keeps_a_sign_in_open_for_an_hour_at_most() -> None:
    device = parse_device_authorization(answer(DEVICE | {"expires_in": 10**8}))
    assert device.expires_in == 3600


@pytest.mark.parametrize(
    "change",
    [
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": ""},
        {"user_code": ""},
        {"device_code": None},
        {"expires_in": 0},
        {"expires_in": None},
    ],
)
def test_an_incomplete_device_answer_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UpstreamError):
        parse_device_authorization(answer(DEVICE | change))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
members = st.dictionaries(
    st.sampled_from(
        ["access_token", "refresh_token", "expires_in", "scope", "error", "interval", "user_code"]
    ),
    json_values,
)


@settings(max_examples=200, deadline=None)
@given(members | json_values, st.sampled_from([200, 302, 400, 500]))
def test_no_answer_raises_anything_else(body: object, status: int) -> None:
    for parse in (lambda each: parse_tokens(each, NOW), parse_device_authorization):
        try:
            parse(answer(body, status))
        except (XoError, AuthorizationPending):
            continue
