"""What all flows share."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xo_cowork_core.sdk import HttpClient, Unavailable
from xo_cowork_core.sdk.connector import (
    CommandLogin,
    OAuthClient,
    OAuthServer,
    OutputStream,
    TokenSet,
)
from xo_cowork_core.services.auth_flows.flow import Flow
from xo_cowork_core.services.auth_flows.preparation import Preparation
from xo_cowork_core.services.auth_flows.programs.command_run import CommandRun, FindProgram
from xo_cowork_core.services.auth_flows.targets import SignInTargets
from xo_cowork_core.services.clock import Clock
from xo_cowork_core.services.connectors.discovery import ServerMetadata
from xo_cowork_core.services.connectors.errors import StorageFailed
from xo_cowork_core.services.connectors.oauth_requests import ClientCredentials
from xo_cowork_core.services.processes.supervisor import ProcessSupervisor
from xo_cowork_core.services.secrets.redaction import SecretRedactor
from xo_cowork_core.storage.state_folder import make_private_folder

log = logging.getLogger("xo_cowork.auth_flows")


@dataclass(frozen=True, slots=True)
class FlowTools:
    """The services that flows use.

    In `program_folders` each sign-in program that needs one gets a private folder.
    """

    targets: SignInTargets
    redactor: SecretRedactor
    preparation: Preparation
    processes: ProcessSupervisor
    http: HttpClient
    find_program: FindProgram
    clock: Clock
    program_folders: Path

    async def party(
        self, flow: Flow, server: OAuthServer, client: OAuthClient
    ) -> tuple[ServerMetadata, ClientCredentials]:
        """Return the server of a flow, and the client that began it."""
        target = self.targets.find(flow.target)
        metadata = await self.preparation.discovery.resolve(server)
        credentials = await self.preparation.clients.recall(
            client, metadata, target.secrets, flow.client_id
        )
        return metadata, credentials

    async def forget_client(self, client_id: str) -> None:
        """Drop the registration of a client, if it was registered. A failure is logged."""
        try:
            await self.preparation.clients.forget(client_id)
        except StorageFailed as error:
            log.warning("a client's registration stays: %s", error.message)

    def redact(self, tokens: TokenSet) -> None:
        """Keep tokens that are not stored yet out of logs."""
        secrets = [tokens.access_token, tokens.refresh_token, *tokens.extra.values()]
        self.redactor.add(secret for secret in secrets if secret is not None)

    def command_run(
        self,
        method: CommandLogin,
        flow_id: str,
        plugin: str,
        on_line: Callable[[OutputStream, str], None],
        folder: Path | None,
    ) -> CommandRun:
        """Return the run of a sign-in program, which ends with the flow."""
        return CommandRun(
            method,
            processes=self.processes,
            http=self.http,
            find_program=self.find_program,
            owner=flow_id,
            plugin=plugin,
            folder=folder,
            on_line=on_line,
        )

    def create_folder(self, flow_id: str) -> Path:
        """Create and return the private folder of a flow's program. Blocks. Raises Unavailable."""
        try:
            make_private_folder(self.program_folders)
            return make_private_folder(self.program_folders / flow_id)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unavailable(f"The sign-in program can't be started: {reason}.") from None

    def delete_folder(self, flow_id: str) -> None:
        """Delete the private folder of a flow's program, if there is one. Blocks."""
        try:
            shutil.rmtree(self.program_folders / flow_id)
        except FileNotFoundError:
            pass
        except OSError as error:
            log.error("a sign-in program's folder stays: %s", error.strerror)
