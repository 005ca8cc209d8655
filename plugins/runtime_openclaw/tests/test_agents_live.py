"""Agents through a gateway: the requests it gets, and the errors its refusals become."""

import asyncio
import copy
from collections.abc import Coroutine, Sequence
from typing import Any

import orjson
import pytest

from xo_cowork_core.sdk import BadRequest, Conflict, NotFound, Unavailable
from xo_runtime_openclaw.config.agents import Agents
from xo_runtime_openclaw.config.config_check import ConfigCheck
from xo_runtime_openclaw.config.config_file import ConfigFile
from xo_runtime_openclaw.config.configuration import Configuration
from xo_runtime_openclaw.config.live_config import LiveConfig
from xo_runtime_openclaw.gateway import unavailable as down
from xo_runtime_openclaw.gateway.frames import GatewayError, Row


class FakeControl:
    """A gateway's connection that keeps a configuration and merges patches into it."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.requests: list[tuple[str, Row]] = []
        self.refusals: dict[str, list[dict[str, Any]]] = {}
        self.unsettled = 0

    async def call(self, method: str, params: Row, *, seconds: float = 0) -> object:
        await asyncio.sleep(0)
        if method not in {"config.get", "sessions.list"}:
            self.requests.append((method, params))
        if refusals := self.refusals.get(method):
            raise GatewayError(method, refusals.pop(0))
        return getattr(self, f"on_{method.replace('.', '_')}")(params)

    def on_config_get(self, params: Row) -> object:
        self.unsettled -= 1
        applied = "old" if self.unsettled >= 0 else "r"
        parsed = orjson.loads(orjson.dumps(self.config))
        return {
            "parsed": parsed,
            "hash": "h",
            "configRevisionHash": "r",
            "appliedConfigHash": applied,
        }

    def on_config_patch(self, params: Row) -> object:
        merge(self.config, orjson.loads(params["raw"]))
        self.unsettled = 2
        return {"ok": True}

    def on_agents_create(self, params: Row) -> object:
        key = params["name"]
        self.unsettled = 3
        entries = self.config["agents"]["entries"]
        entries[key] = {"name": key, "workspace": f"/w/{key}", "identity": {"name": key}}
        return {"agentId": key}

    def on_agents_delete(self, params: Row) -> object:
        if self.unsettled > 0:
            raise GatewayError("agents.delete", {"code": "INVALID_REQUEST", "message": "not found"})
        del self.config["agents"]["entries"][params["agentId"]]
        return {"ok": True}

    def on_sessions_list(self, params: Row) -> object:
        if params["agentId"] != "main":
            return {"totalCount": 0, "sessions": []}
        rows = [{"key": "agent:main:a", "sessionId": "s-1"}, {"key": "agent:main:b"}]
        return {"totalCount": 3, "sessions": rows}


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def merge(config: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            config.pop(key, None)
        elif isinstance(value, dict):
            merge(config.setdefault(key, {}), value)
        else:
            config[key] = value


@pytest.fixture
def control() -> FakeControl:
    return FakeControl({"agents": {"entries": {"main": {}, "ada": {"skills": ["a", "b"]}}}})


@pytest.fixture
def agents(control: FakeControl, tmp_path: Any) -> Agents:
    file, check = ConfigFile(tmp_path / "none.json", {}), ConfigCheck.__new__(ConfigCheck)
    live = LiveConfig(control)
    return Agents(Configuration(live, file, check, is_local=False), control, "/home")


def methods(control: FakeControl) -> Sequence[str]:
    return [method for method, _ in control.requests]


def test_agents_come_with_their_sessions(agents: Agents):
    rows = run(agents.all())
    assert [(a.id, a.session_count, list(a.session_ids), a.is_default) for a in rows] == [
        ("main", 3, ["s-1"], True),
        ("ada", 0, [], False),
    ]


def test_a_new_agent_is_created_then_given_its_fields(agents: Agents, control: FakeControl):
    agent = run(agents.save("bob", {"name": "Bob", "model": "a/b"}))
    assert agent.fields == {"name": "Bob", "workspace": "/w/bob", "identity": {}, "model": "a/b"}
    assert methods(control) == ["agents.create", "config.patch"]


def test_a_new_agent_that_the_gateway_reports_late_is_waited_for(
    agents: Agents, control: FakeControl
):
    config_get, before = control.on_config_get, copy.deepcopy(control.config)
    late = iter(range(5))

    def on_config_get(params: Row) -> object:
        answer = config_get(params)
        is_late = "config.patch" in methods(control) and next(late, None) is not None
        return {**answer, "parsed": before} if is_late else answer

    control.on_config_get = on_config_get  # type: ignore[method-assign]
    assert run(agents.save("bob", {"name": "Bob"})).id == "bob"


def test_a_refused_new_agent_leaves_nothing(agents: Agents, control: FakeControl):
    control.refusals["config.patch"] = [
        {"code": "INVALID_REQUEST", "message": "invalid config: sandbox at /home/x/secret.json"}
    ]
    with pytest.raises(BadRequest, match="invalid config") as refused:
        run(agents.save("bob", {"sandbox": {"mode": "odd"}}))
    assert "/home" not in refused.value.message
    assert "bob" not in control.config["agents"]["entries"]
    assert control.requests[-1] == ("agents.delete", {"agentId": "bob", "deleteFiles": False})


def test_a_shorter_list_is_marked_as_intended(agents: Agents, control: FakeControl):
    run(agents.save("ada", {"skills": ["a"], "description": "x"}))
    assert control.requests[0][1]["replacePaths"] == ["agents.entries.ada.skills"]
    assert control.config["agents"]["entries"]["ada"]["skills"] == ["a"]


def test_unchanged_fields_send_no_request(agents: Agents, control: FakeControl):
    run(agents.save("ada", {"skills": ["a", "b"]}))
    assert control.requests == []


def test_a_change_between_reading_and_writing_is_tried_again(agents: Agents, control: FakeControl):
    changed = {"code": "INVALID_REQUEST", "message": "config changed since last load; re-run"}
    control.refusals["config.patch"] = [changed, changed]
    run(agents.save("ada", {"description": "x"}))
    assert methods(control) == ["config.patch"] * 3
    control.refusals["config.patch"] = [changed] * 9
    with pytest.raises(Conflict):
        run(agents.save("ada", {"description": "y"}))


def test_a_gateway_that_counts_changes_says_when_to_come_back(agents: Agents, control: FakeControl):
    control.refusals["config.patch"] = [
        {"code": "UNAVAILABLE", "message": "rate limit exceeded", "retryAfterMs": 41_000}
    ]
    with pytest.raises(Unavailable) as refused:
        run(agents.save("ada", {"description": "x"}))
    assert refused.value.retry_after == 41


def test_an_agent_is_removed_and_its_files_stay(agents: Agents, control: FakeControl):
    run(agents.delete("ada"))
    assert control.requests == [("agents.delete", {"agentId": "ada", "deleteFiles": False})]
    with pytest.raises(NotFound):
        run(agents.delete("ada"))
    with pytest.raises(Conflict):
        run(agents.delete("main"))


def test_an_agent_that_openclaw_keeps_is_a_conflict(agents: Agents, control: FakeControl):
    control.refusals["agents.delete"] = [
        {"code": "INVALID_REQUEST", "message": "it owns the shared auth store"}
    ]
    with pytest.raises(Conflict, match="auth store"):
        run(agents.delete("ada"))


def test_the_answer_waits_until_the_gateway_works_by_it(agents: Agents, control: FakeControl):
    run(agents.save("ada", {"description": "x"}))
    assert control.unsettled < 0


def test_a_gateway_elsewhere_that_is_down_has_no_file_here(agents: Agents, control: FakeControl):
    def unavailable(params: Row) -> object:
        raise down.unreachable("ws://elsewhere", "refused")

    control.on_config_get = unavailable  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        run(agents.all())
