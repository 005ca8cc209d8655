"""Each field of a request about connectors, wrong in each way: 4xx, and nothing is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import expect_error
from tests.support.stored_files import read_files
from xo_cowork_core.sdk.testing import Connections

from .conftest import KEY

MEGABYTE = "x" * (1 << 20)
WRONG: tuple[Any, ...] = (5, True, 1.5, [], {}, ["x"], "", MEGABYTE, "a\0b")
FIELDS = {
    "connect": ("method", "connection", "redirect", "input"),
    "reconnect": ("method", "connection", "redirect", "input"),
    "disconnect": ("connection",),
    "token": ("token", "api_key", "connection"),
}
GOOD = {
    "connect": {"method": "api_key"},
    "reconnect": {"method": "api_key"},
    "disconnect": {},
    "token": {},
}
NOT_JSON_OBJECTS = (
    b"{",
    b"[]",
    b"1",
    b'"text"',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"connection": NaN}',
)
HEADERS = {"Content-Type": "application/json"}


def stored(acme: Connections) -> dict[str, bytes]:
    """Everything that the server has stored about connectors."""
    folder = acme.server.state / "connectors"
    return {str(path): content for path, content in read_files(folder)}


@pytest.fixture
def unchanged(acme: Connections):
    before = stored(acme)
    yield
    assert stored(acme) == before


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [
        pytest.param(action, field, value, id=f"{action}-{field}-{number}")
        for action, fields in FIELDS.items()
        for field in fields
        for number, value in enumerate(WRONG)
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_wrong_field_starts_nothing(
    acme: Connections, action: str, field: str, value: Any
) -> None:
    answer = acme.http.post(f"{acme.path}/{action}", json={**GOOD[action], field: value})
    expect_error(answer, 413 if value == MEGABYTE else 400)


@pytest.mark.parametrize("value", ["yes", 1, 0, [], {}, ""], ids=repr)
@pytest.mark.usefixtures("unchanged")
def test_force_is_true_or_false(acme: Connections, value: Any) -> None:
    expect_error(acme.start({"method": "api_key", "force": value}), 400)


@pytest.mark.parametrize(
    "body",
    [
        {"method": "unknown"},
        {"connection": "../../etc"},
        {"connection": "UPPER"},
        {"connection": "x" * 65},
        {"connection": "a b"},
        {"redirect": "elsewhere"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("unchanged")
def test_a_value_that_does_not_fit_starts_nothing(acme: Connections, body: dict[str, str]) -> None:
    expect_error(acme.start(body), 400)


@pytest.mark.parametrize("body", NOT_JSON_OBJECTS, ids=lambda body: repr(body[:10]))
@pytest.mark.parametrize("action", FIELDS)
@pytest.mark.usefixtures("unchanged")
def test_what_is_no_object_is_refused(acme: Connections, action: str, body: bytes) -> None:
    expect_error(acme.http.post(f"{acme.path}/{action}", content=body, headers=HEADERS), 400)


def test_null_fields_count_as_absent(acme: Connections) -> None:
    fields = dict.fromkeys((*FIELDS["connect"], "force"))
    answer = acme.http.post(f"{acme.path}/connect", json=fields)
    assert answer.status_code == 202
    acme.cancel(answer.json()["flow_id"])


@pytest.mark.parametrize("value", [*WRONG, None, "\ud800"], ids=lambda value: repr(value)[:12])
def test_a_wrong_input_changes_no_sign_in(acme: Connections, value: Any) -> None:
    flow = acme.connect(method="api_key")
    path = f"{acme.path}/flows/{flow['flow_id']}/input"
    content = json.dumps({"input": value})
    expect_error(
        acme.http.post(path, content=content, headers=HEADERS),
        413 if value == MEGABYTE else 400,
    )
    assert acme.flow(flow["flow_id"]) == flow
    acme.cancel(flow["flow_id"])


@pytest.mark.parametrize("name", ["%00", "..%2f..%2fetc", "x" * 3000, "%ff", "ACME", "acme%20"])
def test_a_wrong_name_in_the_path_is_404(acme: Connections, name: str) -> None:
    for method, path in (
        ("GET", f"/api/connectors/{name}/status"),
        ("POST", f"/api/connectors/{name}/connect"),
        ("GET", f"/api/connectors/{name}/flows/x"),
        ("GET", f"/api/connectors/acme/flows/{name}"),
    ):
        expect_error(acme.http.request(method, path), 404)


@pytest.mark.parametrize(
    "query", ["connection=", "connection=a%00b", "connection=" + "x" * 65, "verify=perhaps"]
)
def test_a_wrong_query_is_refused(acme: Connections, query: str) -> None:
    expect_error(acme.http.get(f"{acme.path}/status?{query}"), 400)


def test_a_large_key_is_no_path(acme: Connections, tmp_path: Path) -> None:
    answer = acme.start({"method": "api_key", "input": "x" * (32 << 10), "force": True})
    assert answer.status_code in {200, 202, 400}
    assert not acme.status()["connected"]


@pytest.mark.parametrize("action", ["connect", "reconnect"])
@pytest.mark.parametrize("method", ["device_code", "api_key"])
def test_a_redirect_for_a_method_without_a_browser_is_refused(
    acme: Connections, action: str, method: str
) -> None:
    answer = acme.start({"method": method, "redirect": "paste"}, action=action)
    assert expect_error(answer) == f"The method {method} has no `redirect`: leave it out."


def test_a_redirect_is_a_wish_where_no_method_is_named(acme: Connections) -> None:
    assert acme.connect(method="api_key", input=KEY)["state"] == "completed"
    # by the method of the last time
    flow = acme.reconnect(redirect="paste", input=KEY)
    assert (flow["method"], flow["redirect"], flow["state"]) == ("api_key", None, "completed")
    acme.disconnect()
