"""A conversation as Markdown: nothing in it can pass for its structure."""

from datetime import UTC, datetime

from xo_cowork_core.sdk.runtime.history import Message, TextPart, ToolPart
from xo_cowork_core.services.sessions.details import markdown_of

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_no_output_ends_its_own_block() -> None:
    output = "````\n# Not a heading\n``````"
    part = ToolPart("c1", "bash", {"command": "cat x"}, status="completed", output=output)
    text = markdown_of("Title", [Message("m1", "assistant", (part,), NOW)])
    fence = "`" * 7
    assert f"{fence}\ncat x\n{output}\n{fence}\n" in text


def test_titles_and_errors_of_several_lines_stay_what_they_are() -> None:
    message = Message("m1", "assistant", (TextPart("Hm"),), NOW, error="it broke\n# badly")
    text = markdown_of("One\n# Two", [message])
    assert text.startswith("# One # Two\n\n")
    assert text.endswith("> Error: it broke\n> # badly\n")
