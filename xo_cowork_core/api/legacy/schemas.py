"""The bodies of the older chat routes."""

from pydantic import Field

from xo_cowork_core.api.models import RequestModel, ResponseModel


class QuestionRequest(RequestModel):
    """A question to a project."""

    project_name: str = Field(examples=["my-project"])
    question: str = Field(examples=["Say hello"])
    user_id: str | None = None
    message_type: str | None = None
    agent_type: str | None = None
    agent_name: str | None = None


class QuestionAnswer(ResponseModel):
    """The whole answer."""

    id: None = None
    message: str = Field(examples=["Hello!"])
    project_id: str = Field(examples=["my-project"])
    user_id: str | None = None
    session_id: str = Field(examples=["0b6f4a6c-3d3b-4a1e-8f57-2b9f8f1f9a52"])
    is_new_session: bool = Field(examples=[True])
    timestamp: str = Field(examples=["2026-11-24T08:00:00.000+00:00"])
