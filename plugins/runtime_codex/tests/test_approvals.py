"""The answers to requests of MCP servers that Codex forwards."""

from typing import Any

import pytest

from xo_cowork_core.sdk import PermissionAnswer
from xo_runtime_codex.run.approvals import ApprovalRequest, answer_result, declined_result

YES_OR_NO = {"mode": "form", "requestedSchema": {"type": "object", "properties": {}}}
FIELDS = {"mode": "form", "requestedSchema": {"properties": {"name": {"type": "string"}}}}
PAGE = {"mode": "url", "url": "https://acme.test/approve"}


def request_with(params: dict[str, Any]) -> ApprovalRequest:
    record = {"id": 1, "method": "mcpServer/elicitation/request", "params": params}
    return ApprovalRequest(record, "call-1")


def test_a_form_without_fields_is_accepted_with_an_empty_content() -> None:
    request = request_with(YES_OR_NO)
    accepted = answer_result(request, PermissionAnswer(allow=True))
    assert accepted == {"action": "accept", "content": {}}
    declined = {"action": "decline", "content": None}
    assert answer_result(request, PermissionAnswer(allow=False)) == declined
    assert declined_result(request) == declined


@pytest.mark.parametrize("params", [FIELDS, PAGE, {}], ids=["fields", "page", "nothing"])
def test_what_cannot_be_filled_in_here_is_declined_also_when_allowed(
    params: dict[str, Any],
) -> None:
    answer = answer_result(request_with(params), PermissionAnswer(allow=True))
    assert answer == {"action": "decline", "content": None}
