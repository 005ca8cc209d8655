"""`fetch_account` turns each answer of a service into the error that `identify` must raise."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from xo_cowork_core.sdk import HttpResponse, Unauthorized, Unavailable, UpstreamFailed, XoError
from xo_cowork_core.sdk.connector import TokenSet, fetch_account
from xo_cowork_core.sdk.testing import FakeOAuthServer
from xo_cowork_core.services.http import SharedHttpClient

KEY = "a-key"


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeOAuthServer]:
    with FakeOAuthServer(key_header="x-api-key", account={"id": 7}) as provider:
        provider.accept_key(KEY)
        yield provider


def fetch(provider: FakeOAuthServer, key: str = KEY, **options: str) -> Mapping[str, Any]:
    async def run() -> Mapping[str, Any]:
        http = SharedHttpClient()
        try:
            tokens = TokenSet(SecretStr(key))
            return await fetch_account(http, provider.url + "/userinfo", tokens, **options)
        finally:
            await http.close()

    return asyncio.run(run())


def test_the_token_is_sent_as_a_bearer_or_alone(provider: FakeOAuthServer) -> None:
    provider.clear()
    assert fetch(provider) == {"id": 7}
    assert provider.requests("userinfo")[-1].authentication == "bearer"
    assert fetch(provider, key_header="x-api-key") == {"id": 7}
    assert provider.requests("userinfo")[-1].authentication == "none"
    with pytest.raises(Unauthorized):
        fetch(provider, "another-key")


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (401, {}, Unauthorized),
        (403, {}, Unauthorized),
        (403, {"x-ratelimit-remaining": "12"}, Unauthorized),
        (403, {"X-RateLimit-Remaining": "0"}, Unavailable),
        (403, {"Retry-After": "30"}, Unavailable),
        (429, {}, Unavailable),
        (429, {"X-RateLimit-Remaining": "12"}, Unavailable),
        (500, {}, Unavailable),
        (503, {}, Unavailable),
        (404, {}, UpstreamFailed),
        (302, {"Location": "http://127.0.0.1:1/"}, UpstreamFailed),
    ],
)
def test_a_status_becomes_an_error(
    provider: FakeOAuthServer, status: int, headers: dict[str, str], expected: type[XoError]
) -> None:
    provider.fault("userinfo", status, {"message": "no"}, headers=headers)
    with pytest.raises(expected) as caught:
        fetch(provider)
    assert type(caught.value) is expected


@pytest.mark.parametrize("body", ["<h1>Maintenance</h1>", "", "[1]", '"text"', "null", "[" * 5000])
def test_an_answer_that_is_no_object_is_no_account(provider: FakeOAuthServer, body: str) -> None:
    provider.fault("userinfo", 200, body)
    with pytest.raises(UpstreamFailed):
        fetch(provider)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("999999999999", 3600), ("soon", None), ("-5", None), ("", None)],
)
def test_the_time_to_wait_is_passed_on(
    provider: FakeOAuthServer, text: str, seconds: int | None
) -> None:
    provider.fault("userinfo", 503, headers={"Retry-After": text})
    with pytest.raises(Unavailable) as caught:
        fetch(provider)
    assert caught.value.retry_after == seconds


def test_a_403_that_speaks_of_a_rate_limit_is_one(provider: FakeOAuthServer) -> None:
    body = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    provider.fault("userinfo", 403, body)
    with pytest.raises(Unavailable):
        fetch(provider)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Reset": "1893456090"}, 90),
        ({"X-RateLimit-Reset": "1893456090", "Retry-After": "7"}, 7),
        ({"X-RateLimit-Reset": "1893450000"}, 1),
        ({"X-RateLimit-Reset": "9999999999"}, 3600),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({}, None),
    ],
)
def test_the_end_of_a_rate_limit_is_read_with_the_clock_of_the_service(
    headers: dict[str, str], seconds: int | None
) -> None:
    # the fake server sends a date of its own
    date = {"date": "Tue, 01 Jan 2030 00:00:00 GMT", "x-ratelimit-remaining": "0"}
    answer = HttpResponse(403, {**date, **{name.lower(): text for name, text in headers.items()}})

    class OneAnswer(SharedHttpClient):
        async def request(self, *_: Any, **__: Any) -> HttpResponse:
            return answer

    with pytest.raises(Unavailable) as caught:
        asyncio.run(fetch_account(OneAnswer(), "https://acme.test", TokenSet(SecretStr(KEY))))
    assert caught.value.retry_after == seconds
