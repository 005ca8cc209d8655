"""The bodies of prompts, turns and answers to the agent."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import Name, RequestModel


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


Preset = Literal["allow", "ask", "deny"] | bool


class PermissionPresets(RequestModel):
    """What a turn may do unasked: true or "allow", false or "ask", "deny"."""

    file_changes: Preset | None = None
    run_commands: Preset | None = None


class AttachmentRequest(RequestModel):
    """A file here: what an upload answered, or `{type, path, name}`."""

    path: str
    name: Name = ""
    mime_type: Name = ""
    file_id: Name = ""
    size: int = 0


class PromptRequest(RequestModel):
    """One prompt. Without `attachments`, `text` must not be empty."""

    text: str = Field(default="", examples=["Say hello"])
    session_id: str | None = None
    agent_name: Name | None = Field(default=None, examples=["demo"])
    agent_id: str | None = None
    workspace: str | None = None
    agent_type: Name | None = None
    model: Name | None = None
    provider_id: Name | None = None
    agent: Literal["build", "plan"] | None = None
    attachments: list[AttachmentRequest] | None = None
    permission_presets: PermissionPresets | None = None
    reasoning: Name | bool | None = None


class EditRequest(PromptRequest):
    """A prompt that replaces an earlier message of the user, and what followed it."""

    session_id: str | None = Field(default=None, examples=["0b6f…"])
    message_id: str


class StartedTurn(TypedDict):
    """A turn that was accepted, its project, if any, and the folder in which it runs."""

    stream_id: Annotated[str, Field(examples=["5f0c2a0e-6d7e-4f0e-9f61-0f6f3a3c1b11"])]
    session_id: Annotated[str, Field(examples=["0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"])]
    agent_id: Annotated[str | None, Field(examples=["my-project"])]
    directory: Annotated[str, Field(examples=["/home/ann/xo-projects/my-project"])]


class AbortRequest(RequestModel):
    """Which turn to stop. Any object is accepted: one that names no running turn stops none."""

    stream_id: Annotated[str | None, BeforeValidator(_text_or_none)] = Field(
        default=None, examples=["5f0c2a0e-6d7e-4f0e-9f61-0f6f3a3c1b11"]
    )


class AbortResponse(TypedDict):
    """`aborted` is true when a running turn was stopped."""

    ok: bool
    aborted: Annotated[bool, Field(examples=[True])]


class RespondRequest(RequestModel):
    """`response`: true/false, a string, an object or that as a JSON string, as the request's kind
    wants it. To a permission: true, false, or `{"allow": true, "scope": "session"}`."""

    stream_id: str = Field(examples=["5f0c2a0e-6d7e-4f0e-9f61-0f6f3a3c1b11"])
    call_id: str = Field(examples=["call_1"])
    response: object = Field(examples=[True])


class ActiveTurnRow(TypedDict):
    """One running turn."""

    stream_id: Annotated[str, Field(examples=["5f0c2a0e-6d7e-4f0e-9f61-0f6f3a3c1b11"])]
    session_id: Annotated[str, Field(examples=["0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"])]
    agent_name: Annotated[str, Field(examples=["demo"])]
    agent_id: Annotated[str | None, Field(examples=["my-project"])]
    started_at: Annotated[str, Field(examples=["2026-11-24T08:00:00.000+00:00"])]
    needs_input: Annotated[bool, Field(examples=[False])]
