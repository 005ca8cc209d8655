"""The interface of a coding agent, and the abilities that it may add.

Only `describe` and `run` are required. Each ability is an ABC of its own; the host checks it with
`isinstance` and answers 501 where it is absent.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal

from xo_cowork_core.sdk.events.base import Event
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass
from xo_cowork_core.sdk.health import Health
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord
from xo_cowork_core.sdk.runtime.turn import Turn, TurnAnswer


@frozen_dataclass
class RuntimeInfo:
    """The name and rank of a runtime.

    `name` is the wire's `agent_name` and unique; `aliases` are accepted for it. `rank` orders
    the choice of a default among ready runtimes, lowest first: vendors' agents use 10 to 90,
    100 is a third party's default, 1000 is for simulated agents. A turn without an event for
    `silent_seconds` is ended with code `silent`; while a tool call is open the limit is an hour,
    and while a request waits for a person there is none.
    With `isolates_sessions` no process runs turns of two sessions: then what the host adds to the
    environment for a run differs by session, else it is the same for all turns of the runtime.
    `health_field` is a field of `/health` that has the path of the runtime's program, like
    `acme_cli`, for clients that know it by that name.
    """

    name: str
    title: str
    aliases: tuple[str, ...] = ()
    rank: int = 100
    silent_seconds: float = 300.0
    health_field: str = ""
    isolates_sessions: bool = False


class Runtime(ABC):
    """A coding agent."""

    @abstractmethod
    def describe(self) -> RuntimeInfo:
        """Return the runtime's name and rank. Called often: must be cheap and constant."""

    @abstractmethod
    def run(self, turn: Turn) -> AsyncIterator[Event]:
        """Run one turn and yield its events in order.

        May end with `Done` (to give usage) or simply end, which counts as `Done()`. Raise
        `AgentFailure` or yield `AgentError` for a turn that failed. To stop a turn the host
        cancels the iteration: clean up in `finally`, within 3 s; whatever process of this turn is
        still alive after that is killed. The host never runs two turns of one session at once.
        """


class Interrupts(ABC):
    """Can stop a turn without losing the process behind it."""

    @abstractmethod
    async def interrupt(self, turn: Turn) -> None:
        """Ask the agent to stop; `run` then ends by itself, or is cancelled after 1.5 s."""


class Answers(ABC):
    """Yields permission requests, questions and plans, and takes the answers."""

    @abstractmethod
    async def answer(self, turn: Turn, call_id: str, answer: TurnAnswer) -> None:
        """Pass on the answer to the request with this `call_id` that `run` yielded.

        The class of `answer` fits the request: `PermissionAnswer`, `QuestionAnswer` or
        `PlanAnswer`. Called once for each request, after a person has answered or on timeout.
        """


class KeepsHistory(ABC):
    """Keeps sessions in a store of its own, which the host reads and never writes.

    The host stores the history of a runtime without this ability.
    """

    @abstractmethod
    async def sessions(self) -> Sequence[SessionRecord]:
        """Return all sessions in the store, in any order, including those created in a terminal."""

    @abstractmethod
    async def session(self, session_id: str) -> SessionRecord | None:
        """Return one session; None when the store doesn't have it."""

    @abstractmethod
    async def messages(self, session_id: str) -> Sequence[Message] | None:
        """Return a session's messages, oldest first; None when the store has none such.

        Half-written, broken and unknown entries are skipped, never an error.
        """


class EditsHistory(ABC):
    """Can remove a user's message and everything after it."""

    @abstractmethod
    async def drop(self, session_id: str, message_id: str) -> None:
        """Remove the user's message `message_id` and all after it, before the next turn starts.

        Raises `NotFound` when the session or the message is unknown.
        """


class ChecksHealth(ABC):
    """Reports whether it can take turns. A runtime without this ability counts as ready."""

    @abstractmethod
    async def health(self) -> Health:
        """Return the health within 5 s. Called at start, by `doctor`, and before a prompt when the
        last result is too old."""


class OpensSessions(ABC):
    """Assigns its own session ids; without this ability the host assigns them."""

    @abstractmethod
    async def open_session(self, turn: Turn) -> str:
        """Create a session for the first turn of a conversation and return its id, a UUID.

        Called before the prompt is answered, within 10 s; `run` follows with the same turn under
        that id. Raises `Unavailable` or `AgentFailure` when it can't.
        """


class ClosesSessions(ABC):
    """Holds resources of a session between its turns, such as a warm process."""

    @abstractmethod
    async def close_session(self, session_id: str) -> None:
        """Release what the session holds, within 5 s. Harmless when it holds nothing.

        Called when a person deletes the session, never during its turn, and when the server stops,
        for the sessions that had a turn since its start. A later turn may resume the session.
        """


@frozen_dataclass
class Model:
    """A model that a prompt may name. Prices are US dollars for a million tokens; None = unknown.

    `context` and `max_output` are tokens, 0 when unknown.
    """

    id: str
    name: str
    provider_id: str
    context: int = 0
    max_output: int = 0
    vision: bool = False
    reasoning: bool = False
    price_input: float | None = None
    price_output: float | None = None


class ListsModels(ABC):
    """Lists the models that it can use."""

    @abstractmethod
    async def models(self) -> Sequence[Model]:
        """Return the models, the default first, within 5 s."""


@frozen_dataclass
class Skill:
    """A skill that a prompt may name in `agent_type`. `path` is the file that defines it, None when
    the agent doesn't tell.

    `source` says whom it serves: `bundled` every project, `plugin` those that use a plugin of the
    agent, `project` the project that holds it.
    """

    name: str
    description: str
    path: Path | None = None
    source: Literal["bundled", "plugin", "project"] = "bundled"
    enabled: bool = True


class OffersSkills(ABC):
    """Offers skills: instructions that a prompt calls by name."""

    @abstractmethod
    async def skills(self, cwd: Path) -> Sequence[Skill]:
        """Return the skills that a turn in the folder `cwd` can call, within 5 s.

        Skills that can't be read are left out.
        """
