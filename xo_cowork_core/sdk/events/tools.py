"""Events of tool calls and their results."""

from dataclasses import field
from typing import ClassVar

from xo_cowork_core.sdk.events.base import Event, Json, JsonValue
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass


@frozen_dataclass
class ToolCall(Event):
    """A tool call starts.

    `tool` is in lower case: `write {file_path, content}`, `edit`, `read`, `bash {command}`,
    `todo` or `web_search` where one of them fits, else the runtime's own name. `title` is for
    people; the default is `tool`.
    """

    name: ClassVar[str] = "tool-call"
    call_id: str
    tool: str
    arguments: Json = field(default_factory=dict[str, JsonValue])
    title: str = ""

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "arguments": self.arguments,
            "title": self.title or self.tool,
        }


@frozen_dataclass
class ToolUpdate(Event):
    """A running tool call has new arguments, a new title or more output.

    Comes after the `ToolCall` and before its `ToolResult` or `ToolError`. Each field replaces the
    value before it: `output` is all output so far, not what was added. A field that is None has
    not changed. Clients may ignore the event; the message keeps the last values.
    """

    name: ClassVar[str] = "tool-update"
    call_id: str
    tool: str
    arguments: Json | None = None
    title: str | None = None
    output: str | None = None

    def data(self, session_id: str) -> Json:
        changes: dict[str, JsonValue] = {
            "arguments": self.arguments,
            "title": self.title,
            "output": self.output,
        }
        known = {key: value for key, value in changes.items() if value is not None}
        return {"call_id": self.call_id, "tool": self.tool, **known}


@frozen_dataclass
class TodoItem:
    """One entry of an agent's task list. `active_form` is its text while it is in progress."""

    content: str
    status: str
    active_form: str = ""

    def data(self) -> Json:
        return {
            "content": self.content,
            "status": self.status,
            "activeForm": self.active_form or self.content,
        }


@frozen_dataclass
class ToolResult(Event):
    """A tool call succeeded. For the tool `todo`, `metadata` is `{"todos": [...]}`."""

    name: ClassVar[str] = "tool-result"
    call_id: str
    tool: str
    output: str = ""
    title: str = ""
    metadata: Json = field(default_factory=dict[str, JsonValue])

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "output": self.output,
            "title": self.title or self.tool,
            "metadata": self.metadata,
        }


@frozen_dataclass
class ToolError(Event):
    """A tool call failed or was denied. `error_message` is `output` when empty."""

    name: ClassVar[str] = "tool-error"
    call_id: str
    tool: str
    output: str = ""
    error_message: str = ""

    def data(self, session_id: str) -> Json:
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "output": self.output,
            "error_message": self.error_message or self.output,
        }
