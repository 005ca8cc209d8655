"""Route the app-server's messages to the queues of the threads that they belong to."""

import logging
from collections.abc import Mapping, Sequence

from xo_cowork_core.sdk import AgentFailure, Json
from xo_cowork_core.sdk.kit import JsonRpcPeer
from xo_runtime_codex.server.subagents import SUBAGENT_NOTIFICATIONS, SubagentTracker
from xo_runtime_codex.server.thread_queue import Record, ThreadQueue

RESOLVED = "serverRequest/resolved"


class ThreadRouter:
    """The handler of one server's `JsonRpcPeer`. Refuses requests without a queue."""

    def __init__(self, log: logging.Logger) -> None:
        self.subagents = SubagentTracker()
        self._log = log
        self._queues: dict[str, ThreadQueue] = {}
        self._failure: AgentFailure | None = None

    def open(self, thread_id: str) -> ThreadQueue:
        """Queue the records of a thread from now on."""
        queue = self._queues[thread_id] = ThreadQueue()
        if self._failure:
            queue.end(self._failure)
        return queue

    def close(self, thread_id: str, queue: ThreadQueue) -> None:
        """Stop queueing the records of a thread."""
        queue.end()
        if self._queues.get(thread_id) is queue:
            del self._queues[thread_id]

    async def receive(self, peer: JsonRpcPeer, messages: Sequence[Json]) -> None:
        """Queue messages by thread; waits while a queue is full."""
        batches: dict[ThreadQueue, list[Record]] = {}
        for message in messages:
            if queue := self._queue_for(message):
                batches.setdefault(queue, []).append(message)
            elif "id" in message:
                await self._refuse(peer, message)
        for queue, batch in batches.items():
            # a queue that was closed meanwhile drops the batch
            await queue.put(batch)

    def connection_lost(self, failure: AgentFailure) -> None:
        """End all queues."""
        self._failure = failure
        for queue in self._queues.values():
            queue.end(failure)

    def _queue_for(self, message: Json) -> ThreadQueue | None:
        """Return the queue of a message's thread; a subagent's requests go to its root thread."""
        params = message.get("params")
        if not isinstance(params, Mapping):
            return None
        method, thread_id = str(message["method"]), str(params.get("threadId"))
        if method in SUBAGENT_NOTIFICATIONS:
            self.subagents.record(method, params)
        if "id" in message or method == RESOLVED:
            thread_id = self.subagents.root(thread_id) or thread_id
        return self._queues.get(thread_id)

    async def _refuse(self, peer: JsonRpcPeer, message: Json) -> None:
        self._log.info("Codex request %s refused: no turn runs on its thread", message["method"])
        try:
            await peer.refuse(message)
        except AgentFailure as error:
            self._log.info("the refusal did not reach Codex: %s", error)
