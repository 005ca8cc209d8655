"""Each field of each operation, wrong in each way: a 4xx with a sentence, and nothing is written.

The fields come from the OpenAPI document, so that a new operation of the contract is included.
"""

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.support.contract.bad_fields import (
    LONG_TEXT,
    URL_TEXTS,
    VALUES,
    DocumentedBodies,
    Field,
    has_type,
    with_value,
)
from tests.support.contract.operations import CORE_CALLED, OPERATIONS
from tests.support.contract.plan import Plan
from tests.support.contract.requests import PLANS, ContractRequests

BODIES = [
    operation for operation in CORE_CALLED if operation.split()[0] in {"POST", "PUT", "PATCH"}
]
NAMED = [operation for operation in CORE_CALLED if "{}" in operation]
# an abort accepts any object
TOLERANT = frozenset({"POST /api/chat/abort"})
# texts of any length, hints that lead nowhere, and a second name of a field that the request has
LONG_FIELDS = frozenset(
    {"text", "question", "content", "memory", "value", "query", "response"}
    | {"workspace", "workspace_path", "api_key"}
)
# what the server writes for itself, whatever it is asked
# the records of turns that still end
RECORDS = re.compile(r"/\.xo/(?!todos|project)")
OWN_FILES = ("state.db", "index-", "logs", "secrets-audit", "plugins", "processes")


@pytest.fixture(scope="module")
def document(contract: ContractRequests) -> dict[str, Any]:
    return contract.http.get("/openapi.json").json()


def find(document: dict[str, Any], operation: str) -> dict[str, Any]:
    """Return the documented operation of a line of the contract."""
    method, path = operation.split(" ", 1)
    for template, methods in document["paths"].items():
        pattern = "/".join("{}" if part.startswith("{") else part for part in template.split("/"))
        if pattern == path:
            return methods[method.lower()]
    raise AssertionError(f"{operation} is not documented")


def files(contract: ContractRequests) -> dict[str, tuple[int, int]]:
    """Return what is stored for people in the home folder, with sizes and times."""
    home = str(contract.server.home)
    found: dict[str, tuple[int, int]] = {}
    for folder, _, names in os.walk(home):
        for name in (f"{folder}/{name}".removeprefix(f"{home}/") for name in names):
            inner = name.removeprefix(".xo-cowork/")
            if (inner != name and inner.startswith(OWN_FILES)) or RECORDS.search(name):
                continue
            # files of the server's own come and go
            with suppress(FileNotFoundError):
                status = os.stat(f"{home}/{name}")  # noqa: PTH116 - Path takes half the test's time
                if stat.S_ISREG(status.st_mode):
                    found[name] = (status.st_size, status.st_mtime_ns)
    return found


def check(answer: httpx.Response, what: str) -> None:
    assert answer.status_code < 500 or answer.status_code in {501, 502, 503}, (what, answer.text)
    assert answer.status_code != 422, (what, answer.text)
    if answer.status_code >= 400:
        assert answer.json()["detail"], what


def is_wrong(value: Any, field: Field) -> bool:
    """Return whether every route must refuse a value of a field."""
    name = field.path[-1]
    if isinstance(value, str) and "\0" in value:
        return name != "content"
    return not has_type(value, field.types) or (value is LONG_TEXT and name not in LONG_FIELDS)


def bodies(document: dict[str, Any], operation: str, body: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield a name of each wrong body, the body, and whether it must be refused."""
    documented = find(document, operation)
    for field in DocumentedBodies(document).fields(documented):
        for value in VALUES:
            shown = "a long text" if value is LONG_TEXT else repr(value)
            must_fail = is_wrong(value, field) and operation not in TOLERANT
            yield f"{field.path}={shown}", with_value(body or {}, field.path, value), must_fail
    for unknown in ("novelty", "__proto__", ""):
        yield f"unknown key {unknown!r}", {**(body or {}), unknown: {"a": [1]}}, False


def send_wrong_fields(
    contract: ContractRequests, document: dict[str, Any], operation: str, plan: Plan
) -> None:
    """Send each field wrong in each way, and check the answers and what is stored."""
    method = operation.split(" ", 1)[0]
    url, body = contract.fill(plan.path), contract.fill_body(plan.body)
    before = files(contract)
    for what, wrong, must_fail in bodies(document, operation, body):
        content = json.dumps(wrong)
        headers = {"Content-Type": "application/json"}
        answer = contract.http.request(method, url, content=content, headers=headers)
        check(answer, what)
        assert answer.status_code >= 400 or not must_fail, (what, answer.text)
        after = files(contract)
        assert after == before or answer.status_code < 400, what
        before = after


@pytest.mark.parametrize("operation", BODIES)
def test_a_wrong_field_is_a_4xx_and_writes_nothing(
    contract: ContractRequests, document: dict[str, Any], operation: str
) -> None:
    plan = PLANS.get(operation, Plan(operation.split(" ", 1)[1]))
    send_wrong_fields(contract, document, operation, plan)


def test_a_wrong_field_of_a_route_beyond_the_contract_is_a_4xx(
    contract: ContractRequests, document: dict[str, Any]
) -> None:
    seen = 0
    for template, methods in document["paths"].items():
        path = re.sub(r"{[^}]*}", "{}", template)
        for method, operation in methods.items():
            name = f"{method.upper()} {path}"
            if "requestBody" in operation and name not in {*OPERATIONS, *PLANS}:
                send_wrong_fields(contract, document, name, Plan(path.replace("{}", "x")))
                seen += 1
    assert seen >= 3


@pytest.mark.parametrize("operation", NAMED)
def test_a_wrong_name_in_a_path_is_a_4xx_and_writes_nothing(
    contract: ContractRequests, document: dict[str, Any], operation: str
) -> None:
    method, path = operation.split(" ", 1)
    plan = PLANS.get(operation, Plan(path))
    body = contract.fill_body(plan.body)
    content = {} if body is None else {"json": body}
    before = files(contract)
    for text in URL_TEXTS:
        for query in ("", f"?limit={text}&offset={text}&agent_name={text}&workspace={text}"):
            url = path.replace("{}", text) + query
            answer = contract.http.request(method, url, **content)
            if answer.headers.get("content-type", "").startswith("application/json"):
                check(answer, url[:200])
            after = files(contract)
            assert after == before or answer.status_code < 400, url[:200]
            before = after


@pytest.mark.parametrize("operation", [each for each in CORE_CALLED if each.startswith("GET ")])
def test_a_wrong_query_is_a_4xx(
    contract: ContractRequests, document: dict[str, Any], operation: str
) -> None:
    documented = find(document, operation)
    path = contract.fill(PLANS.get(operation, Plan(operation.split(" ", 1)[1])).path)
    names = [each["name"] for each in documented.get("parameters", []) if each["in"] == "query"]
    for name in names:
        for text in (*URL_TEXTS, "-1", "1.5", "9" * 40, "true"):
            answer = contract.http.get(f"{path.partition('?')[0]}?{name}={text}")
            if answer.headers.get("content-type", "").startswith("application/json"):
                check(answer, f"{name}={text[:40]}")
