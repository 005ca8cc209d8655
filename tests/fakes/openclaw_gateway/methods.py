"""The methods of the control protocol, and the connections that get the events."""

import asyncio
from typing import Any

from run import Run
from script import Budget
from session_store import SessionStore, now, row_of
from tasks import Tasks
from tool_runner import Publish
from websocket import Socket


class Refusal(Exception):
    """An error response. Arguments: code and message."""


class Client:
    """One connection after its handshake, and its subscriptions."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.keys: set[str] = set()
        self.has_all_sessions = False


class GatewayMethods:
    """Answers requests: method `a.b` is served by `on_a_b`."""

    def __init__(self, store: SessionStore, budget: Budget, *, skips: int = 0) -> None:
        self._store = store
        self._skips = skips
        self._budget = budget
        self._clients: set[Client] = set()
        self._runs: dict[str, Run] = {}
        self._tasks = Tasks()

    def add_client(self, client: Client) -> None:
        """Send events to this connection."""
        self._clients.add(client)

    def remove_client(self, client: Client) -> None:
        """Send no more events to this connection."""
        self._clients.discard(client)

    async def call(self, client: Client, method: str, params: dict[str, Any]) -> Any:
        """Return the payload of a method. Raises `Refusal`."""
        handler = getattr(self, "on_" + method.replace(".", "_"), None)
        if handler is None:
            raise Refusal("INVALID_REQUEST", f"unknown method: {method}")
        return await handler(client, params)

    async def on_agents_list(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        return {"defaultId": "main", "agents": [{"id": "main"}]}

    async def on_models_list(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        row = {"id": "m", "name": "M", "provider": "fake", "tags": ["default"]}
        return {"models": [row]}

    async def on_sessions_create(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        if params["key"].split(":")[1] != "main":
            raise Refusal("INVALID_REQUEST", "Unknown agent id")
        session = self._store.create(params["key"], params)
        return {"key": session["key"], "sessionId": session["sessionId"], "entry": {}}

    async def on_sessions_resolve(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        session = self._store.find(params.get("sessionId"), params.get("key"))
        return {"ok": True, "key": session["key"]} if session else {"ok": False}

    async def on_sessions_describe(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        session = self._store.find(None, params["key"])
        return {"session": row_of(session) if session else None}

    async def on_sessions_patch(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        session = self._store.create(params.pop("key"), {})
        session.update(params)
        self._store.save()
        return {"ok": True}

    async def on_sessions_list(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        sessions = list(self._store.sessions.values())
        if params.get("activeOnly"):
            busy = {run.key for run in self._runs.values() if run.ended is None}
            sessions = [session for session in sessions if session["key"] in busy]
        page = sessions[params.get("offset", 0) :][: params["limit"]]
        rows = [
            {**row_of(session), "hasActiveRun": bool(self._active_run(session["key"]))}
            for session in page
        ]
        return {"ts": now(), "sessions": rows, "hasMore": False}

    async def on_sessions_subscribe(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        client.has_all_sessions = True
        return {"subscribed": True}

    async def on_sessions_messages_subscribe(
        self, client: Client, params: dict[str, Any]
    ) -> dict[str, Any]:
        client.keys.add(params["key"])
        return {"subscribed": True}

    async def on_chat_send(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        run_id, key = params["idempotencyKey"], params["sessionKey"]
        if run := self._runs.get(run_id):
            return {"runId": run_id, "status": "ok" if run.ended else "in_flight"}
        running = self._active_run(key)
        if running and running.task:
            running.task.cancel()
            await asyncio.wait({running.task})
        session, publish = self._store.create(key, {}), self._publisher(key, client)
        run = Run(run_id, session, self._store, publish, self._tasks)
        self._runs[run_id] = run
        if self._skips:
            self._skips -= 1
            run.skip()
            return {"runId": run_id, "status": "started"}
        run.task = asyncio.create_task(run.play(params["message"], self._budget))
        return {"runId": run_id, "status": "started"}

    async def on_chat_abort(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        run = self._runs.get(params.get("runId", ""))
        if run is None or run.ended or run.task is None:
            return {"aborted": False}
        run.task.cancel()
        return {"aborted": True, "runIds": [run.run_id]}

    async def on_sessions_abort(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        run = self._active_run(params["key"])
        if run and run.task:
            run.task.cancel()
        return {"ok": True, "abortedRunId": run.run_id if run else None}

    async def on_tasks_list(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        return {"tasks": self._tasks.running(params["sessionKey"])}

    async def on_tasks_cancel(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        return {"found": True, "cancelled": self._tasks.cancel(params["taskId"])}

    async def on_chat_history(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        session = self._store.find(None, params["sessionKey"])
        records = session["records"] if session else []
        end = len(records) - params.get("offset", 0)
        page = records[max(0, end - params["limit"]) : max(0, end)]
        answer: dict[str, Any] = {"messages": page, "hasMore": end > len(page)}
        if run := self._active_run(params["sessionKey"]):
            answer["inFlightRun"] = {"runId": run.run_id, "text": run.text, "events": run.events}
            answer["sessionInfo"] = {"hasActiveRun": True}
        return answer

    async def on_agent_wait(self, client: Client, params: dict[str, Any]) -> dict[str, Any]:
        run = self._runs.get(params["runId"])
        return run.ended if run and run.ended else {"runId": params["runId"], "status": "timeout"}

    async def on_exec_approval_list(
        self, client: Client, params: dict[str, Any]
    ) -> list[dict[str, Any]]:
        return [
            {"id": approval_id, "request": approval.request}
            for run in self._runs.values()
            for approval_id, approval in run.tools.approvals.items()
        ]

    async def on_exec_approval_resolve(
        self, client: Client, params: dict[str, Any]
    ) -> dict[str, Any]:
        for run in self._runs.values():
            if approval := run.tools.approvals.get(params["id"]):
                approval.decision.set_result(params["decision"])
                return {"ok": True}
        raise Refusal("INVALID_REQUEST", "unknown approval")

    def _active_run(self, key: str) -> Run | None:
        return next((r for r in self._runs.values() if r.key == key and not r.ended), None)

    def _publisher(self, key: str, sender: Client) -> Publish:
        def publish(event: str, payload: dict[str, Any]) -> None:
            is_tool = event == "agent" and payload.get("stream") == "tool"
            for client in [client for client in self._clients if key in client.keys]:
                if is_tool and client is not sender:
                    foreign = {"type": "event", "event": "session.tool", "payload": payload}
                    if client.has_all_sessions:
                        client.socket.send(foreign)
                elif "raw" in payload:
                    client.socket.send_raw(payload["raw"])
                else:
                    client.socket.send({"type": "event", "event": event, "payload": payload})

        return publish
