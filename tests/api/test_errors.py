"""The one error body, for whatever is sent."""

from collections.abc import Iterator

import pytest

from xo_cowork_core.sdk.testing import LiveServer

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer(environment={"XO_PLUGINS": "none"}) as server:
        yield server


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "The body is not valid JSON."),
        (b"\xff\xfe{}", "The body is not valid JSON."),
        (b'{"text": "\xff"}', "There was an error parsing the body"),
        (b"[1]", "The body must be a JSON object, sent as application/json."),
        (b'"text"', "The body must be a JSON object, sent as application/json."),
        (b"3", "The body must be a JSON object, sent as application/json."),
        (b"null", "The body must be a JSON object, sent as application/json."),
        (b"", "A JSON body is required."),
        (b"{}", "Empty message"),
        (b'{"text": null}', "Empty message"),
        (b'{"text": 5}', "Field text: Input should be a valid string."),
        (b'{"text": ["hi"]}', "Field text: Input should be a valid string."),
        (b'{"text": NaN}', "Field text: Input should be a valid string."),
        (b'{"text": ' + b"9" * 5000 + b"}", "There was an error parsing the body"),
        (b"[" * 100_000, "There was an error parsing the body"),
        (b'{"text": "hi", "session_id": 7}', "Field session_id: Input should be a valid string."),
    ],
)
def test_a_malformed_body_is_a_400_with_one_sentence(server, body, detail):
    answer = server.client.post("/api/chat/prompt", content=body, headers=JSON)
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})


def test_a_number_is_no_flag(server):
    body = {"text": "hi", "permission_presets": {"file_changes": 1}}
    answer = server.client.post("/api/chat/prompt", json=body)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("Field permission_presets.file_changes")


@pytest.mark.parametrize("body", [b'{"text": "\\ud800"}', b'{"text": "hi", "x": [{"\\udfff": 1}]}'])
def test_text_that_is_no_unicode_is_a_400(server, body):
    answer = server.client.post("/api/chat/prompt", content=body, headers=JSON)
    assert answer.status_code == 400
    assert "not Unicode" in answer.json()["detail"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x", None]
)
def test_another_content_type_is_json_or_a_400(server, kind):
    headers = {"Content-Type": kind} if kind else {}
    answer = server.client.post("/api/chat/abort", content=b'{"stream_id":"s"}', headers=headers)
    assert answer.status_code in {200, 400}
    if answer.status_code == 400:
        assert isinstance(answer.json()["detail"], str)


def test_unknown_keys_and_nulls_pass(server):
    body = {"stream_id": "s", "what": {"ever": 1}, "reason": None}
    answer = server.client.post("/api/chat/abort?unknown=1", json=body)
    assert answer.json() == {"ok": True, "aborted": False}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/health", 405), ("POST", "/api/plugins", 405)],
)
def test_the_routers_own_refusals_have_the_same_body(server, method, path, status):
    answer = server.client.request(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]


def test_a_wrong_query_value_is_a_400_that_names_it(server):
    answer = server.client.get("/api/sessions?limit=many")
    assert answer.status_code == 400
    assert "limit" in answer.json()["detail"]
