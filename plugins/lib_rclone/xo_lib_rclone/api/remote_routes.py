"""Remotes and the sign-ins that create them."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from xo_cowork_core.sdk import BadRequest, NotFound
from xo_cowork_core.sdk.errors import XoError
from xo_lib_rclone.api.schemas import (
    OkBody,
    RemotesBody,
    SessionBody,
    StartedBody,
    StartRequest,
    SubmitRequest,
)
from xo_lib_rclone.api.serializers import remote_body, session_body
from xo_lib_rclone.connector import DriveConnector
from xo_lib_rclone.names import check_remote_name

Name = Annotated[str, Path(examples=["work"])]
SessionId = Annotated[str, Path(max_length=64, examples=["3f0c9f5e8a1b4c7d"])]


class RemoteRoutes:
    """Lists, signs in and removes remotes. A session of the contract is a sign-in of the host."""

    def __init__(self, connector: DriveConnector) -> None:
        self._connector = connector
        self._drive = connector.drive
        self._name = connector.describe().name
        self._sign_in = connector.context.sign_in

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        session = "/sessions/{session_id}"
        router.get("/remotes")(self.list_remotes)
        router.post("/remotes", status_code=202)(self.start_sign_in)
        router.delete("/remotes/{name}", status_code=204, response_class=Response)(
            self.delete_remote
        )
        router.get(session)(self.read_session)
        router.post(session + "/submit")(self.submit_code)
        router.post(session + "/cancel")(self.cancel_session)

    async def list_remotes(self) -> RemotesBody:
        """List the remotes that are signed in, or were and need a new sign-in."""
        remotes = await self._drive.remotes.list()
        return RemotesBody(remotes=[remote_body(self._drive.backend, each) for each in remotes])

    async def start_sign_in(self, body: StartRequest) -> StartedBody:
        """Start to sign in to a remote, new or known; its session tells what to do.

        409 while another sign-in of the remote, or of the same port, is open; 503 with the code
        `tool_missing` without rclone.
        """
        name = check_remote_name(body.name)
        await self._drive.check_program()
        flow = await self._sign_in.start(
            self._name,
            method=body.method,
            connection=name,
            attach=False,
            force=bool(body.force),
        )
        return StartedBody(session_id=flow.flow_id, status="pending")

    async def delete_remote(self, name: Name) -> None:
        """Revoke the access of a remote at the service and remove it. Its files stay."""
        check_remote_name(name)
        self._drive.remotes.find(name)
        await self._connector.context.connections.disconnect(self._name, name)
        await self._drive.remotes.forget(name)

    async def read_session(self, session_id: SessionId) -> SessionBody:
        """Return a sign-in. One that has ended can be read for another 10 minutes."""
        flow = await self._sign_in.read(self._name, session_id)
        if flow.state == "expired":
            raise NotFound("This sign-in has expired: start another.")
        return session_body(flow)

    async def submit_code(self, session_id: SessionId, body: SubmitRequest) -> SessionBody:
        """Pass on what a person pasted; 400 for what has no code, or belongs to another sign-in."""
        try:
            flow = await self._sign_in.submit(self._name, session_id, body.code)
        except XoError as error:
            if error.code != "not_waiting":
                raise
            raise BadRequest(error.message, details=error.details) from None
        return session_body(flow)

    async def cancel_session(self, session_id: SessionId) -> OkBody:
        """End a sign-in. One that has ended, and the remote that it made, stay as they are."""
        await self._sign_in.cancel(self._name, session_id)
        return OkBody(ok=True)
