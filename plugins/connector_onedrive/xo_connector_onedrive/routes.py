"""The routes by which a person chooses among the drives of an account."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field
from typing_extensions import TypedDict

from xo_connector_onedrive.connector import OneDrive
from xo_connector_onedrive.graph import GraphDrive
from xo_lib_rclone.api.schemas import RequestModel
from xo_lib_rclone.names import check_remote_name
from xo_lib_rclone.routes import build_router

Name = Annotated[str, Path(examples=["work"])]
DRIVE_ID_EXAMPLE = "b!kQ7VJZ0vkU2Hl1bXTFmQ"
MAX_ID_CHARACTERS = 512


class SelectDriveRequest(RequestModel):
    """The drive that a remote is to use."""

    drive_id: str = Field(min_length=1, max_length=MAX_ID_CHARACTERS, examples=[DRIVE_ID_EXAMPLE])


class DriveBody(TypedDict):
    """A drive of the account; the remote uses the one that is `selected`."""

    id: Annotated[str, Field(examples=[DRIVE_ID_EXAMPLE])]
    name: Annotated[str, Field(examples=["OneDrive"])]
    drive_type: Annotated[str, Field(examples=["business"])]
    selected: Annotated[bool, Field(examples=[True])]


class DrivesBody(TypedDict):
    """The drives of a remote's account."""

    drives: list[DriveBody]


class DriveRoutes:
    """Lists and selects drives. A new remote uses the account's own drive.

    404 for an unknown remote or drive, 409 with the code `needs_auth` when a person has to sign in
    again, 503 while Microsoft limits requests or can't be reached.
    """

    def __init__(self, connector: OneDrive) -> None:
        self._connector = connector

    async def list_drives(self, name: Name) -> DrivesBody:
        """List the drives of the account."""
        return _drives_body(await self._connector.drives(check_remote_name(name)))

    async def select_drive(self, name: Name, body: SelectDriveRequest) -> DrivesBody:
        """Let the remote use another drive of its account; its files are those of that drive."""
        remote = check_remote_name(name)
        return _drives_body(await self._connector.select_drive(remote, body.drive_id))


def build_drive_router(connector: OneDrive) -> APIRouter:
    """Return all routes of the connector."""
    router = build_router(connector)
    routes = DriveRoutes(connector)
    router.get("/remotes/{name}/drives")(routes.list_drives)
    router.post("/remotes/{name}/drive")(routes.select_drive)
    return router


def _drives_body(drives: Sequence[tuple[GraphDrive, bool]]) -> DrivesBody:
    rows = [
        DriveBody(id=drive.id, name=drive.name, drive_type=drive.type, selected=selected)
        for drive, selected in drives
    ]
    return DrivesBody(drives=rows)
