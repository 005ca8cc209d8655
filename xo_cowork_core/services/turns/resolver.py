"""From a prompt to a turn: which runtime, which session, which folder, what it may do."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from xo_cowork_core.sdk import (
    Attachment,
    BadRequest,
    Forbidden,
    NotFound,
    OpensSessions,
    PermissionRule,
    Permissions,
    Secrets,
    SingleFlight,
    Turn,
    Unavailable,
)
from xo_cowork_core.services.files.stored import type_of
from xo_cowork_core.services.files.workspace import Workspace
from xo_cowork_core.services.index.queries import Session
from xo_cowork_core.services.runtimes.calls import ask
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.sessions.sessions import Sessions

RETRY_AFTER_SECONDS = 2
PermissionMode = Literal["ask", "accept_edits", "bypass"]


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as the prompt names it, unchecked."""

    path: str
    name: str = ""
    mime_type: str = ""
    file_id: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a client asks for. Absent fields are None; `edits` is the message to replace."""

    text: str
    session_id: str | None = None
    agent_name: str | None = None
    agent_id: str | None = None
    workspace: str | None = None
    skill: str | None = None
    model: str | None = None
    provider_id: str | None = None
    mode: Literal["build", "plan"] = "build"
    attachments: Sequence[AttachedFile] = ()
    file_changes: PermissionRule | None = None
    run_commands: PermissionRule | None = None
    reasoning: str | None = None
    edits: str | None = None


@dataclass(frozen=True, slots=True)
class ResolvedTurn:
    """A turn that may start, and the runtime that runs it."""

    turn: Turn
    owner: RegisteredRuntime


class TurnResolver:
    """Decides everything that a prompt leaves open."""

    def __init__(
        self,
        registry: Registry,
        readiness: Readiness,
        sessions: Sessions,
        workspace: Workspace,
        *,
        default_agent: str | None,
        permission_mode: PermissionMode,
    ) -> None:
        self._registry = registry
        self._readiness = readiness
        self._sessions = sessions
        self._workspace = workspace
        self._default_agent = default_agent
        self._permission_mode: PermissionMode = permission_mode
        self._secrets = SingleFlight(_environment)

    async def resolve(self, prompt: Prompt) -> ResolvedTurn:
        """Return the turn to run. Raises BadRequest, NotFound, Forbidden or Unavailable."""
        session = await self._session(prompt)
        owner = await self._owner(prompt, session)
        if session and session.agent_name != owner.info.name:
            session = None
        agent_id, cwd = await self._place(prompt, session)
        turn = Turn(
            stream_id=str(uuid.uuid4()),
            session_id=session.session_id if session else str(uuid.uuid4()),
            text=prompt.text,
            cwd=cwd,
            new_session=session is None or session.reserved,
            agent_id=agent_id,
            model=prompt.model,
            provider_id=prompt.provider_id,
            mode=prompt.mode,
            skill=prompt.skill,
            reasoning=prompt.reasoning,
            attachments=[await self._attachment(file) for file in prompt.attachments],
            permissions=self._permissions(prompt),
        )
        secrets = await self._secrets.of(owner.secrets)
        environment = {**secrets, **self._registry.turn_environment(turn)}
        turn = replace(turn, environment=environment)
        if session is None and isinstance(owner.runtime, OpensSessions):
            opened = await ask(owner.runtime.open_session(turn), "open a session")
            turn = replace(turn, session_id=opened)
        return ResolvedTurn(turn, owner)

    async def _session(self, prompt: Prompt) -> Session | None:
        if not prompt.session_id:
            return None
        session = await self._sessions.find(prompt.session_id)
        if session is None:
            raise NotFound("Session not found")
        return session

    async def _owner(self, prompt: Prompt, session: Session | None) -> RegisteredRuntime:
        name = prompt.agent_name or (session.agent_name if session else self._default_agent)
        if not name:
            return await self._first_ready()
        found = self._registry.runtime(name)
        if found is None:
            known = ", ".join(each.info.name for each in self._registry.runtimes()) or "none"
            if prompt.agent_name:
                raise BadRequest(f"Unknown agent_name {name!r}; this server has: {known}")
            raise Unavailable(f"The runtime {name!r} is not loaded; this server has: {known}")
        await self._demand_ready(found)
        return found

    async def _first_ready(self) -> RegisteredRuntime:
        for found in self._registry.runtimes():
            if (await self._readiness.of(found)).takes_turns:
                return found
        raise Unavailable("No runtime is ready; `xo-cowork doctor` says what is missing")

    async def _demand_ready(self, found: RegisteredRuntime) -> None:
        health = await self._readiness.of(found)
        if health.takes_turns:
            return
        reason = health.detail or f"its state is {health.state}"
        fix = f" To mend it: {health.fix}" if health.fix else ""
        raise Unavailable(
            f"{found.info.title} cannot take a turn: {reason}{fix}",
            retry_after=RETRY_AFTER_SECONDS if health.state == "starting" else None,
        )

    async def _place(self, prompt: Prompt, session: Session | None) -> tuple[str | None, Path]:
        folder = await self._workspace.folder(prompt.workspace) if prompt.workspace else None
        agent_id = prompt.agent_id or (session.agent_id if session else None)
        if agent_id is None and folder:
            agent_id = self._workspace.project_of(folder)
        if agent_id and (project := await self._workspace.project(agent_id)):
            return agent_id, project
        if folder:
            return agent_id, folder
        if session and session.directory and (found := await self._usual(session.directory)):
            return agent_id, found
        if agent_id:
            return agent_id, await self._workspace.make_project(agent_id)
        return None, await self._workspace.root()

    async def _usual(self, directory: str) -> Path | None:
        """A session's own folder, unless it is gone or lies where turns may not run."""
        try:
            return await self._workspace.folder(directory)
        except (BadRequest, Forbidden, NotFound):
            return None

    async def _attachment(self, file: AttachedFile) -> Attachment:
        path = await self._workspace.file(file.path)
        return Attachment(
            name=file.name or path.name,
            path=path,
            mime_type=file.mime_type or type_of(path.name),
            file_id=file.file_id,
            size=file.size,
        )

    def _permissions(self, prompt: Prompt) -> Permissions:
        bypass = self._permission_mode == "bypass"
        edits = bypass or self._permission_mode == "accept_edits"
        return Permissions(
            file_changes=prompt.file_changes or ("allow" if edits else "ask"),
            run_commands=prompt.run_commands or ("allow" if bypass else "ask"),
            other="allow" if bypass else "ask",
        )


def _environment(secrets: Secrets) -> Mapping[str, SecretStr]:
    return secrets.environment()
