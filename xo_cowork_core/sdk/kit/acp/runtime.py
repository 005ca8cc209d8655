"""A runtime over an agent that speaks the Agent Client Protocol, version 1, on its stdio."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from xo_cowork_core.sdk.context import HostContext
from xo_cowork_core.sdk.errors import AgentFailure
from xo_cowork_core.sdk.events.base import Done, Json, JsonValue, ReasoningDelta, TextDelta, Tokens
from xo_cowork_core.sdk.events.interactions import PermissionRequest, PermissionScope
from xo_cowork_core.sdk.events.tools import ToolCall, ToolResult
from xo_cowork_core.sdk.kit.acp.content import mcp_servers, prompt_blocks
from xo_cowork_core.sdk.kit.acp.sessions import AcpCommands, choose_mode, find_option
from xo_cowork_core.sdk.kit.json_fields import integer, items, mapping, string
from xo_cowork_core.sdk.kit.json_rpc import JsonRpcError, JsonRpcPeer
from xo_cowork_core.sdk.kit.json_rpc_runtime import IDLE_SECONDS, JsonRpcRuntime
from xo_cowork_core.sdk.kit.json_rpc_turn import JsonRpcTurn
from xo_cowork_core.sdk.kit.session_ids import SessionIds
from xo_cowork_core.sdk.runtime.runtime import (
    ClosesSessions,
    ListsModels,
    Model,
    OffersSkills,
    Skill,
)
from xo_cowork_core.sdk.runtime.turn import PermissionAnswer, PermissionKind, TurnAnswer

TURN_SECONDS = 24 * 3600.0
# some agents take seconds of CPU to start and to open their first session
START_SECONDS = 120.0
PROTOCOL_VERSION = 1
CLIENT: Json = {"protocolVersion": PROTOCOL_VERSION, "clientCapabilities": {}}
PERMISSION_KINDS: Mapping[str, PermissionKind] = MappingProxyType(
    {
        "edit": "file_changes",
        "delete": "file_changes",
        "move": "file_changes",
        "execute": "run_commands",
    }
)
TOOLS: Mapping[str, str] = MappingProxyType({"execute": "bash", "fetch": "web_fetch"})
ARGUMENTS: Mapping[str, str] = MappingProxyType({"filePath": "file_path", "path": "file_path"})
STATUSES: Mapping[str, Literal["completed", "error"]] = MappingProxyType(
    {"completed": "completed", "failed": "error"}
)


class AcpRuntime(JsonRpcRuntime, ListsModels, ClosesSessions, OffersSkills):
    """Runs turns on an ACP agent: permissions, interrupts, sessions, models, modes, files, skills.

    A subclass sets what `JsonRpcRuntime` names and implements `describe`. The agent must ask before
    it changes files or runs commands: where that is a setting of the agent, set it in `environment`
    or `arguments`. The models are those that the newest session offered, the skills of a folder the
    commands that its newest session did.
    """

    def __init__(self, context: HostContext, *, idle_seconds: float = IDLE_SECONDS) -> None:
        super().__init__(context, idle_seconds=idle_seconds)
        self._session_ids = SessionIds(context)
        self._capabilities: Json = {}
        self._options: Sequence[Json] = ()
        self._commands = AcpCommands()

    def tool_of(self, call: Json) -> str:
        """Return the tool's name from its first report; override it where the agent tells it."""
        kind = string(call.get("kind"))
        return TOOLS.get(kind, kind or "tool")

    async def models(self) -> Sequence[Model]:
        rows = items(find_option(self._options, "model").get("options"))
        ids = [(string(row.get("value")), string(row.get("name"))) for row in rows]
        return [Model(value, name or value, value.partition("/")[0]) for value, name in ids]

    async def skills(self, cwd: Path) -> Sequence[Skill]:
        return self._commands.skills(cwd)

    async def start(self, peer: JsonRpcPeer) -> None:
        answer = await peer.request("initialize", CLIENT, timeout=START_SECONDS)
        if answer.get("protocolVersion") != PROTOCOL_VERSION:
            raise AgentFailure(f"{self.title} speaks another version of ACP", code="upstream")
        self._capabilities = mapping(answer.get("agentCapabilities"))

    async def resume(self, run: JsonRpcTurn) -> str:
        accepts_http = mapping(self._capabilities.get("mcpCapabilities")).get("http") is True
        servers = mcp_servers(run.turn if accepts_http else None)
        place: Json = {"cwd": str(run.turn.cwd), "mcpServers": servers}
        session = await self._session_ids.find(run.turn.session_id)
        answer = await self._load(run.peer, session, place) if session else None
        if answer is None:
            answer = await run.peer.request("session/new", place, timeout=START_SECONDS)
            session = string(answer.get("sessionId"))
            await self._session_ids.store(run.turn.session_id, session)
        session = session or ""
        self._commands.open(session, run.turn.cwd)
        self._options = items(answer.get("configOptions")) or self._options
        for category, value in (("model", run.turn.model), ("mode", run.turn.mode)):
            option = find_option(self._options, category)
            if value in [row.get("value") for row in items(option.get("options"))]:
                choice: Json = {"sessionId": session, "configId": option["id"], "value": value}
                await run.peer.request("session/set_config_option", choice)
        if mode := choose_mode(run.turn.mode, mapping(answer.get("modes"))):
            await run.peer.request("session/set_mode", {"sessionId": session, "modeId": mode})
        return session

    async def prompt(self, run: JsonRpcTurn) -> Done:
        accepted = mapping(self._capabilities.get("promptCapabilities"))
        blocks = await prompt_blocks(run.turn, accepted)
        body: Json = {"sessionId": run.session, "prompt": blocks}
        end = await run.peer.request("session/prompt", body, timeout=TURN_SECONDS)
        reason = "length" if end.get("stopReason") == "max_tokens" else "stop"
        return Done(reason, _tokens(mapping(end.get("usage"))))

    async def cancel(self, run: JsonRpcTurn) -> None:
        await run.peer.notify("session/cancel", {"sessionId": run.session})

    async def close_session(self, session_id: str) -> None:
        session, peer = await self._session_ids.find(session_id), self.find_peer()
        if session and peer and "close" in mapping(self._capabilities.get("sessionCapabilities")):
            await peer.request("session/close", {"sessionId": session})

    def session_of(self, params: Json) -> str:
        return string(params.get("sessionId"))

    def observe(self, method: str, params: Json) -> None:
        update = mapping(params.get("update"))
        if update.get("sessionUpdate") == "available_commands_update":
            self._commands.update(self.session_of(params), items(update.get("availableCommands")))

    def receive(self, run: JsonRpcTurn, method: str, params: Json) -> None:
        update = mapping(params.get("update"))
        text = string(mapping(update.get("content")).get("text"))
        match update.get("sessionUpdate"):
            case "agent_message_chunk" if text:
                run.emit(TextDelta(text))
            case "agent_thought_chunk" if text:
                run.emit(ReasoningDelta(text))
            case "tool_call" | "tool_call_update":
                self._report(run, update)
            case "plan":
                _report_plan(run, items(update.get("entries")))
            case _:
                pass

    async def reply(self, run: JsonRpcTurn, method: str, params: Json) -> Json | None:
        if method != "session/request_permission":
            return None
        call = mapping(params.get("toolCall"))
        rows = items(params.get("options"))
        choices = {string(row.get("kind")): string(row.get("optionId")) for row in rows}
        kind = PERMISSION_KINDS.get(string(call.get("kind")), "other")
        answer: TurnAnswer | None = None
        # some agents ask for a change of files even where they were told to plan only
        is_plan = run.turn.mode == "plan" and kind == "file_changes"
        match "deny" if is_plan else run.turn.permissions.rule(kind):
            case "ask":
                answer = await run.ask(self._request(run, call, kind, choices))
            case rule:
                answer = PermissionAnswer(rule == "allow")
        if not isinstance(answer, PermissionAnswer):
            return {"outcome": {"outcome": "cancelled"}}
        return {"outcome": _outcome(answer, choices)}

    async def _load(self, peer: JsonRpcPeer, session: str, place: Json) -> Json | None:
        can_resume = "resume" in mapping(self._capabilities.get("sessionCapabilities"))
        if not can_resume and not self._capabilities.get("loadSession"):
            return None
        method = "session/resume" if can_resume else "session/load"
        try:
            body: Json = {"sessionId": session, **place}
            return await peer.request(method, body, timeout=START_SECONDS)
        except JsonRpcError as error:
            self.context.log.info("%s has lost session %s: %s", self.title, session, error)
            return None

    def _report(self, run: JsonRpcTurn, update: Json) -> None:
        raw = mapping(update.get("rawInput"))
        content = [mapping(part.get("content")) for part in items(update.get("content"))]
        events = run.tools.report(
            string(update.get("toolCallId")),
            self.tool_of(update),
            arguments={ARGUMENTS.get(key, key): value for key, value in raw.items()} or None,
            title=string(update.get("title")) or None,
            output="".join(string(part.get("text")) for part in content) or None,
            status=STATUSES.get(string(update.get("status")), "running"),
        )
        run.emit(*events)

    def _request(
        self, run: JsonRpcTurn, call: Json, kind: PermissionKind, choices: Mapping[str, str]
    ) -> PermissionRequest:
        call_id = string(call.get("toolCallId"))
        scopes: Sequence[PermissionScope] = ("once",)
        if "allow_always" in choices:
            scopes = ("once", "session")
        return PermissionRequest(
            call_id,
            run.tools.name_of(call_id) or self.tool_of(call),
            kind,
            [string(call.get("title"))],
            run.tools.arguments_of(call_id),
            scopes,
        )


def _outcome(answer: PermissionAnswer, choices: Mapping[str, str]) -> Json:
    """Return the option that fits; an allowance for the session may fall back to one for once."""
    word = "allow" if answer.allow else "reject"
    wanted = (f"{word}_always", f"{word}_once") if answer.scope == "session" else (f"{word}_once",)
    option = next((choices[kind] for kind in wanted if kind in choices), None)
    if option is None:
        return {"outcome": "cancelled"}
    return {"outcome": "selected", "optionId": option}


def _tokens(usage: Json) -> Tokens | None:
    if not usage:
        return None
    return Tokens(
        input=integer(usage.get("inputTokens")),
        output=integer(usage.get("outputTokens")),
        reasoning=integer(usage.get("thoughtTokens")),
        cache_read=integer(usage.get("cachedReadTokens")),
        cache_write=integer(usage.get("cachedWriteTokens")),
    )


def _report_plan(run: JsonRpcTurn, entries: Sequence[Json]) -> None:
    """Emit a plan of the agent as a call of the tool `todo`."""
    todos: list[JsonValue] = [
        {
            "content": string(entry.get("content")),
            "status": string(entry.get("status")),
            "activeForm": string(entry.get("content")),
        }
        for entry in entries
    ]
    run.plan_count += 1
    call_id = f"plan-{run.turn.stream_id}-{run.plan_count}"
    run.emit(ToolCall(call_id, "todo", {"todos": todos}))
    run.emit(ToolResult(call_id, "todo", metadata={"todos": todos}))
