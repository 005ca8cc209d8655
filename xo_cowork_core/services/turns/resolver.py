"""Resolves a prompt to a turn: which runtime, which session, which folder, which permissions."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from xo_cowork_core.sdk import (
    Attachment,
    BadRequest,
    Forbidden,
    NotFound,
    OpensSessions,
    Permissions,
    Secrets,
    Turn,
    UpstreamFailed,
)
from xo_cowork_core.sdk.kit import SingleFlight
from xo_cowork_core.services.files.stored_files import mime_type_of
from xo_cowork_core.services.git_credentials.git_credentials import GitCredentials
from xo_cowork_core.services.index.queries import Session
from xo_cowork_core.services.mcp.run_servers import RunServers
from xo_cowork_core.services.runtimes.registry import RegisteredRuntime, Registry
from xo_cowork_core.services.runtimes.selector import RuntimeSelector
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.turns.prompt import AttachedFile, Prompt, ResolvedTurn
from xo_cowork_core.services.workspace import Workspace, WorkspaceHint

SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
PermissionMode = Literal["ask", "accept_edits", "bypass"]


class TurnResolver:
    """Decides everything that a prompt leaves open."""

    def __init__(
        self,
        registry: Registry,
        selector: RuntimeSelector,
        sessions: Sessions,
        workspace: Workspace,
        *,
        redactor: SecretRedactor,
        run_servers: RunServers,
        git_credentials: GitCredentials,
        permission_mode: PermissionMode,
    ) -> None:
        self._registry = registry
        self._selector = selector
        self._sessions = sessions
        self._workspace = workspace
        self._redactor = redactor
        self._run_servers = run_servers
        self._git_credentials = git_credentials
        self._permission_mode: PermissionMode = permission_mode
        self._secrets = SingleFlight(_read_environment)

    async def resolve(self, prompt: Prompt) -> ResolvedTurn:
        """Return the turn to run. Raises BadRequest, NotFound, Forbidden or Unavailable.

        The token of the turn's run works on return; the caller ends it.
        """
        session = await self._find_session(prompt)
        owner = await self._selector.select(
            prompt.agent_name, session.agent_name if session else None
        )
        if session and session.agent_name != owner.info.name:
            session = None
        agent_id, cwd = await self._choose_folder(prompt, session)
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
            attachments=[await self._resolve_attachment(file) for file in prompt.attachments],
            permissions=self._permissions(prompt),
        )
        secrets = await self._secrets.of(owner.secrets)
        environment = {**secrets, **await self._registry.turn_environment(turn, owner.plugin)}
        self._redactor.add(environment.values())
        return await self._open_run(replace(turn, environment=environment), owner, session)

    async def _open_run(
        self, turn: Turn, owner: RegisteredRuntime, session: Session | None
    ) -> ResolvedTurn:
        """Return the turn with its MCP servers, in its session."""
        servers, tokens = self._run_servers, self._run_servers.tokens
        with tokens.ended_on_error(turn.stream_id):
            entries = self._git_credentials.open(turn, owner.info)
            turn = replace(
                turn,
                mcp_servers=servers.open(turn, owner.info.name),
                environment={**turn.environment, **entries},
            )
            if session is None and isinstance(owner.runtime, OpensSessions):
                turn = replace(turn, session_id=await self._open_session(owner, turn))
                tokens.move(turn.stream_id, turn.session_id)
        return ResolvedTurn(turn, owner)

    async def _open_session(self, owner: RegisteredRuntime, turn: Turn) -> str:
        opened = await owner.call(OpensSessions.open_session, turn, action="open a session")
        if not SESSION_ID.fullmatch(opened):
            raise _wrong_session(
                owner, "must return the session's id, 1 to 128 letters, digits, -, _, . and :"
            )
        other = await self._sessions.owner_of(opened)
        if other not in {None, owner.info.name}:
            raise _wrong_session(owner, f"must return a new id, not that of a session of {other}")
        return opened

    async def _find_session(self, prompt: Prompt) -> Session | None:
        if not prompt.session_id:
            return None
        session = await self._sessions.find(prompt.session_id)
        if session is None:
            raise NotFound("Session not found")
        return session

    async def _choose_folder(
        self, prompt: Prompt, session: Session | None
    ) -> tuple[str | None, Path]:
        """Return the project's id, if any, and the turn's working directory."""
        hint = await self._read_hint(prompt, session)
        agent_id = session.agent_id if session else None
        if prompt.agent_id:
            agent_id = await self._workspace.project_id_for(prompt.agent_id)
        agent_id = agent_id or hint.project_id
        if agent_id and (project := await self._workspace.find_project(agent_id)):
            return agent_id, project
        if hint.folder:
            return agent_id, hint.folder
        if session and session.directory:
            own = await self._usable_folder(session.directory)
            if own:
                return agent_id, own
        if agent_id:
            return agent_id, await self._workspace.make_project(agent_id)
        return None, await self._workspace.make_root()

    async def _read_hint(self, prompt: Prompt, session: Session | None) -> WorkspaceHint:
        """Return what `workspace` names. Clients store it for long: a session has its folder, and
        a hint that cannot be used counts as not sent."""
        is_new = session is None or (session.reserved and not self._has_own_folder(session))
        if prompt.workspace and is_new:
            return await self._workspace.read_hint(prompt.workspace)
        return WorkspaceHint()

    def _has_own_folder(self, session: Session) -> bool:
        root = str(self._workspace.projects_root)
        return bool(session.agent_id) or session.directory not in {None, root}

    async def _usable_folder(self, directory: str) -> Path | None:
        """Return a session's own folder; None when it is gone or turns may not run in it."""
        try:
            return await self._workspace.resolve_folder(directory)
        except (BadRequest, Forbidden, NotFound):
            return None

    async def _resolve_attachment(self, file: AttachedFile) -> Attachment:
        path = await self._workspace.resolve_file(file.path)
        return Attachment(
            name=file.name or path.name,
            path=path,
            mime_type=file.mime_type or mime_type_of(path.name),
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


def _wrong_session(owner: RegisteredRuntime, rule: str) -> UpstreamFailed:
    owner.plugin.add_fault("open_session()", f"open_session() {rule}")
    return UpstreamFailed("The runtime could not open a session")


def _read_environment(secrets: Secrets) -> Mapping[str, SecretStr]:
    return secrets.environment()
