"""The bodies of the older chat routes."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from xo_cowork_core.api.models import Name, RequestModel


class QuestionRequest(RequestModel):
    """A question to a project."""

    project_name: str = Field(examples=["my-project"])
    question: str = Field(examples=["Say hello"])
    user_id: Name = "default_user"
    message_type: Name | None = None
    agent_type: Name | None = None
    agent_name: Name | None = None


class QuestionAnswer(TypedDict):
    """The whole answer."""

    id: None
    message: Annotated[str, Field(examples=["Hello!"])]
    project_id: Annotated[str, Field(examples=["my-project"])]
    user_id: str
    session_id: Annotated[str, Field(examples=["0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"])]
    is_new_session: Annotated[bool, Field(examples=[True])]
    timestamp: Annotated[str, Field(examples=["2026-11-24T08:00:00.000+00:00"])]
