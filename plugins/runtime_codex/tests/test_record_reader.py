"""The reader of a turn's records, and answers at any time."""

import asyncio
from typing import cast

from xo_cowork_core.sdk import Permissions
from xo_cowork_core.sdk.kit import JsonRpcPeer, TurnDeadline, TurnLimits
from xo_runtime_codex.run.interactions import TurnInteractions
from xo_runtime_codex.run.record_reader import RecordReader
from xo_runtime_codex.run.translator import Translator
from xo_runtime_codex.server.thread_queue import ThreadQueue


def test_an_answer_may_come_while_a_batch_is_handled() -> None:
    async def read() -> None:
        deadline = TurnDeadline("Codex", TurnLimits(silent=60))
        peer = cast("JsonRpcPeer", None)
        interactions = TurnInteractions(Permissions(), peer, deadline)
        reader = RecordReader(Translator(), interactions, deadline)
        queue = ThreadQueue()
        await queue.put([{"method": "item/started"}])
        batches = reader.batches(queue)
        assert await anext(batches) == [{"method": "item/started"}]
        reader.note_answer()

    asyncio.run(read())
