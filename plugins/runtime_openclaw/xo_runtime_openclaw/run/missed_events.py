"""What readers still need of a run's records, after events were missed. Pure.

The records are the truth and complete up to the model call that is under way; what was told
already is told by nobody twice.
"""

from collections.abc import Iterable, Iterator

from xo_runtime_openclaw.gateway.frames import Notice, Row, row, rows, text_of
from xo_runtime_openclaw.run.text_reconciler import TextReconciler
from xo_runtime_openclaw.run.translator import Item, Translator


def missed(translator: Translator, records: Iterable[Row]) -> Iterator[Item]:
    """Yield what is missing, in order."""
    told = translator.said.stretches
    place = 0
    for record in records:
        match record.get("role"):
            case "assistant":
                blocks = rows(record.get("content"))
                for block in blocks:
                    if text := text_of(block.get("text")):
                        yield from _stretch(translator.said, told, place, text)
                        place += 1
                yield from translator.items(Notice("session.message", {"message": record}))
                for block in blocks:
                    if block.get("type") == "toolCall":
                        yield from translator.items(_start(block))
            case "toolResult":
                yield from translator.items(_result(record))


def _stretch(said: TextReconciler, told: list[str], place: int, text: str) -> Iterator[Item]:
    if place >= len(told):
        said.close()
        yield from said.grow(text)
    elif place == len(told) - 1 and said.stretch and text.strip() != said.stretch.strip():
        whole = text if text.startswith(said.stretch) else text.strip()
        grows = whole.startswith(said.stretch)
        yield from said.grow(whole) if grows else said.replace(whole)


def _start(block: Row) -> Notice:
    data = {
        "phase": "start",
        "name": block.get("name"),
        "toolCallId": block.get("id"),
        "args": row(block.get("arguments")),
    }
    return Notice("agent", {"stream": "tool", "data": data})


def _result(record: Row) -> Notice:
    data = {
        "phase": "result",
        "name": record.get("toolName"),
        "toolCallId": record.get("toolCallId"),
        "isError": record.get("isError"),
        "result": {"content": record.get("content"), "details": row(record.get("details"))},
    }
    return Notice("agent", {"stream": "tool", "data": data})
