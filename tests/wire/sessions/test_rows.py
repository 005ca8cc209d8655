"""Every field of sessions, messages and usage that the contract names, in both wire styles."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually, install_plugin

SPA = {"X-XO-Wire": "spa"}
SOURCE = """
from xo_cowork_core.sdk import (
    Done, ReasoningDelta, Runtime, RuntimeInfo, StepFinish, TextDelta, Tokens, ToolCall,
    ToolResult, hookimpl,
)

class Rows(Runtime):
    def describe(self):
        return RuntimeInfo("rows", "Rows")
    async def run(self, turn):
        todos = [{"content": "Look", "status": "pending", "activeForm": "Looking"}]
        tokens = Tokens(input=10, output=5, cache_read=2, cache_write=1)
        yield ReasoningDelta("hm")
        yield ToolCall("c1", "todo", {"todos": todos}, "Todos")
        yield ToolResult("c1", "todo", "ok", "Todos", {"todos": todos})
        yield StepFinish("tool_use", tokens, 0.25)
        yield TextDelta("as far as it went")
        reason = "length" if turn.text == "long" else "stop"
        yield Done(reason, tokens, 0.25, "a-model", "a-maker")

class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [Rows()]

plugin = Plugin()
"""
TOKENS = {"input": 10, "output": 5, "reasoning": 0, "cache_read": 2, "cache_write": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    place = install_plugin(tmp_path_factory.mktemp("plugins"), "runtime_rows", SOURCE)
    with LiveServer(environment={"XO_PLUGINS": "runtime_rows"}, python_path=[place]) as running:
        yield running


@pytest.fixture
def chat(server: LiveServer) -> Chat:
    return Chat(server, "rows")


def get(server: LiveServer, path: str, headers: Mapping[str, str] | None = None) -> Any:
    answer = server.client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def messages(chat: Chat, session_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    page = get(chat.server, f"/api/messages/{session_id}")
    assert (page["total"], page["offset"]) == (2, 0)
    user, assistant = page["messages"]
    return user, assistant


def test_a_session_row_has_both_field_sets(chat: Chat) -> None:
    session_id = chat.run_turn("pangolin").session_id
    row = get(chat.server, f"/api/sessions/{session_id}")
    assert row == {
        "id": session_id,
        "session_id": session_id,
        "title": "pangolin",
        "agent_name": "rows",
        "backend": "rows",
        "agent_id": chat.folder.name,
        "agent": chat.folder.name,
        "directory": str(chat.folder),
        "message_count": 2,
        "updated_at": row["time_updated"],
        "time_updated": row["time_updated"],
        "created_at": row["time_created"],
        "time_created": row["time_created"],
        "is_pinned": False,
        "project_id": chat.folder.name,
        "parent_id": None,
        "slug": None,
        "version": 1,
        "summary_additions": 0,
        "summary_deletions": 0,
        "summary_files": 0,
        "summary_diffs": [],
        "permission": {},
        "time_compacting": None,
        "time_archived": None,
    }
    assert row["time_created"].endswith("+00:00")


def test_lists_and_search_have_the_same_rows_in_both_styles(chat: Chat) -> None:
    session_id = chat.run_turn("armadillo").session_id
    found = "/api/sessions/search?q=armadillo"
    eventually(lambda: get(chat.server, found)["total"] == 1, 15, "it is found")
    row = get(chat.server, f"/api/sessions/{session_id}")
    docs = get(chat.server, "/api/sessions?limit=9999&agent_name=rows")
    assert set(docs) == {"total", "offset", "sessions"}
    assert row in docs["sessions"]
    assert get(chat.server, "/api/sessions?agent_name=rows", SPA) == docs["sessions"]
    (hit,) = get(chat.server, found)["sessions"]
    assert hit == {**row, "snippet": "<mark>armadillo</mark>"}
    assert get(chat.server, found, SPA) == [{"session": row, "snippet": "armadillo"}]
    assert get(chat.server, "/api/sessions?agent_name=none") == {
        "total": 0,
        "offset": 0,
        "sessions": [],
    }


def test_a_prompts_attachments_are_parts_of_its_message(chat: Chat) -> None:
    (chat.server.home / "note.txt").write_text("note")
    sent = chat.http.post("/api/files/attach", json={"paths": ["~/note.txt"]}).json()
    session_id = chat.run_turn("look", attachments=sent).session_id
    user, _ = messages(chat, session_id)
    data = [part["data"] for part in user["parts"]]
    assert data == [
        {"type": "text", "text": "look"},
        {
            "type": "file",
            **{key: sent[0][key] for key in ("file_id", "name", "path", "size", "mime_type")},
        },
    ]
    (file,) = get(chat.server, f"/api/sessions/{session_id}/files")["files"]
    assert file == {
        "name": "note.txt",
        "path": sent[0]["path"],
        "type": "attachment",
        "tool": "",
    }


def test_a_message_has_its_parts_in_their_shapes(chat: Chat) -> None:
    session_id = chat.run_turn("work").session_id
    user, assistant = messages(chat, session_id)
    fields = {"id", "session_id", "role", "text", "tool_calls", "timestamp", "time_created"}
    assert set(user) == set(assistant) == fields | {"data", "parts"}
    assert (user["role"], user["data"]) == ("user", {"role": "user"})
    assert assistant["data"] == {
        "role": "assistant",
        "model_id": "a-model",
        "provider_id": "a-maker",
        "cost": 0.25,
        "tokens": TOKENS,
        "finish": "stop",
        "error": None,
    }
    assert assistant["timestamp"] == assistant["time_created"]
    for part in assistant["parts"]:
        assert set(part) == {"id", "message_id", "session_id", "time_created", "data"}
    reasoning, tool, step, text = (part["data"] for part in assistant["parts"])
    assert reasoning == {"type": "reasoning", "text": "hm"}
    assert step == {"type": "step-finish", "reason": "tool_use", "tokens": TOKENS, "cost": 0.25}
    assert text == {"type": "text", "text": assistant["text"]}
    assert assistant["tool_calls"] == [tool]
    assert (tool["type"], tool["tool"], tool["call_id"]) == ("tool", "todo", "c1")


def test_a_tools_result_is_attached_to_its_call(chat: Chat) -> None:
    session_id = chat.run_turn("work").session_id
    (tool,) = messages(chat, session_id)[1]["tool_calls"]
    state = tool["state"]
    todos = [{"content": "Look", "status": "pending", "activeForm": "Looking"}]
    assert set(state) == {
        "status",
        "input",
        "output",
        "title",
        "metadata",
        "time_start",
        "time_end",
    }
    assert (state["status"], state["output"], state["metadata"]) == (
        "completed",
        "ok",
        {"todos": todos},
    )
    assert get(chat.server, f"/api/sessions/{session_id}/todos") == {"todos": todos}


def test_an_answer_that_was_too_long_finishes_with_length(chat: Chat) -> None:
    session_id = chat.run_turn("long").session_id
    assert messages(chat, session_id)[1]["data"]["finish"] == "length"


def spent(chat: Chat) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a turn; return the usage and its session's row in it once it is counted."""
    session_id = chat.run_turn("spend").session_id

    def rows() -> dict[str, Any]:
        usage = get(chat.server, "/api/usage?days=1")
        return {row["session_id"]: row for row in usage["by_session"]}

    eventually(lambda: session_id in rows(), 10, "the turn is counted")
    return get(chat.server, "/api/usage?days=1"), rows()[session_id]


def test_usage_has_every_field_and_no_null(chat: Chat) -> None:
    usage, _ = spent(chat)
    assert set(usage) == {
        *("window_days", "total_cost_usd", "total_cost", "total_tokens", "total_sessions"),
        *("total_messages", "avg_tokens_per_session", "avg_response_time", "by_model"),
        *("by_session", "by_runtime", "daily", "tool_usage", "response_time_ms"),
        *("response_time", "unpriced_models"),
    }
    (model,) = usage["by_model"]
    assert set(model) == {
        *("model", "model_id", "provider_id", "tokens_in", "tokens_out", "cache_read"),
        *("cache_write", "total_tokens", "cost_usd", "total_cost", "message_count"),
    }
    (day,) = usage["daily"]
    assert set(day) == {
        *("date", "cost_usd", "cost", "tokens_total", "tokens", "messages", "tool_calls")
    }
    assert set(usage["response_time_ms"]) == {"p50", "p95", "p99"}
    assert set(usage["response_time"]) == {"avg", "median", "p95", "min", "max", "count"}
    assert set(usage["tool_usage"][0]) == {"tool", "count"}
    assert nulls(usage) == []


def test_both_names_of_a_number_in_the_usage_are_equal(chat: Chat) -> None:
    usage, row = spent(chat)
    (model,), (day,) = usage["by_model"], usage["daily"]
    for one, other in (
        (usage["total_cost_usd"], usage["total_cost"]),
        (model["model"], model["model_id"]),
        (model["cost_usd"], model["total_cost"]),
        (row["tokens_total"], row["total_tokens"]),
        (row["cost_usd"], row["total_cost"]),
        (row["messages"], row["message_count"]),
        (day["cost_usd"], day["cost"]),
        (day["tokens_total"], day["tokens"]),
    ):
        assert one == other
    assert (row["tokens_total"], row["cost_usd"], row["agent_name"]) == (18, 0.25, "rows")


def nulls(value: Any, place: str = "") -> list[str]:
    if isinstance(value, dict):
        return [null for key, part in value.items() for null in nulls(part, f"{place}.{key}")]
    if isinstance(value, list):
        return [null for part in value for null in nulls(part, f"{place}[]")]
    return [place] if value is None else []
