"""The bodies of the routes of cloud drives (contract §7)."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from xo_cowork_core.sdk.connector import ConnectionState

Status: TypeAlias = Literal["connected", "needs_auth", "failed"]
SessionStatus: TypeAlias = Literal["pending", "awaiting_oauth", "completed", "failed", "cancelled"]
MAX_INPUT_CHARACTERS = 32 << 10


class RequestModel(BaseModel):
    """A JSON object from a client: exact types, unknown keys ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class StartRequest(RequestModel):
    """A remote to sign in to. An existing one keeps its name and its folders.

    `force` ends an open sign-in that is in the way. `method` is the id of one of the connector's
    methods, by default the best that is configured.
    """

    name: str = Field(examples=["work"])
    force: bool | None = Field(default=None, examples=[False])
    method: str | None = Field(default=None, max_length=64, examples=["authorization_code"])


class SubmitRequest(RequestModel):
    """What a person pasted: the address on which the browser ended, its query, or the code."""

    code: str = Field(
        min_length=1,
        max_length=MAX_INPUT_CHARACTERS,
        examples=["http://127.0.0.1:40123/callback?code=4%2Fabc&state=xyz"],
    )


class FolderRequest(RequestModel):
    """A folder inside a remote."""

    path: str = Field(examples=["Reports/2026"])


class DeleteFolderRequest(FolderRequest):
    """A folder to delete; with `recursive` also what is in it."""

    recursive: bool | None = Field(default=None, examples=[False])


class StartedBody(TypedDict):
    """A sign-in that was started."""

    session_id: Annotated[str, Field(examples=["3f0c9f5e8a1b4c7d"])]
    status: Annotated[SessionStatus, Field(examples=["pending"])]


class SessionBody(TypedDict):
    """One sign-in. `needs_manual_code`: the code, or the whole address, may be pasted.

    `message` is the next step or the reason, for people; `error` is set when it has failed, and
    while the last attempt has: then the person may try again.
    """

    status: Annotated[SessionStatus, Field(examples=["awaiting_oauth"])]
    auth_url: Annotated[
        str | None, Field(examples=["https://accounts.example.com/o/oauth2/v2/auth?state=xyz"])
    ]
    needs_manual_code: Annotated[bool, Field(examples=[True])]
    remote_name: Annotated[str, Field(examples=["work"])]
    error: Annotated[str | None, Field(examples=[None])]
    message: Annotated[str, Field(examples=["Sign in in the browser."])]


class RemoteDetail(TypedDict):
    """The exact state of a remote's connection, why, and since when."""

    state: Annotated[ConnectionState, Field(examples=["connected"])]
    reason: Annotated[str, Field(examples=[""])]
    since: Annotated[str | None, Field(examples=["2026-01-31T09:30:00+00:00"])]


class RemoteBody(TypedDict):
    """One remote. `complete`: files can be reached, once it is connected.

    `scope` is Google Drive's; `drive_id`, `drive_type` and `region` are OneDrive's.
    """

    name: Annotated[str, Field(examples=["work"])]
    type: Annotated[str, Field(examples=["drive"])]
    complete: Annotated[bool, Field(examples=[True])]
    scope: Annotated[str | None, Field(examples=["drive.file"])]
    drive_id: Annotated[str | None, Field(examples=[None])]
    drive_type: Annotated[str | None, Field(examples=[None])]
    region: Annotated[str | None, Field(examples=[None])]
    status: Annotated[Status, Field(examples=["connected"])]
    account: Annotated[str | None, Field(examples=["ada@example.com"])]
    auth_method: Annotated[str | None, Field(examples=["authorization_code"])]
    detail: RemoteDetail


class RemotesBody(TypedDict):
    """All remotes of a connector."""

    remotes: list[RemoteBody]


class OkBody(TypedDict):
    """The request was carried out."""

    ok: Annotated[bool, Field(examples=[True])]


class PathBody(TypedDict):
    """A folder that was created or deleted, or a file that was deleted."""

    ok: Annotated[bool, Field(examples=[True])]
    path: Annotated[str, Field(examples=["Reports/2026"])]


class EntryBody(TypedDict):
    """A file or folder. `path` is inside the remote; a folder has neither `size` nor a type."""

    name: Annotated[str, Field(examples=["plan.pdf"])]
    path: Annotated[str, Field(examples=["Reports/plan.pdf"])]
    is_dir: Annotated[bool, Field(examples=[False])]
    size: Annotated[int | None, Field(examples=[52133])]
    modified_at: Annotated[str | None, Field(examples=["2026-01-31T09:30:00+00:00"])]
    id: Annotated[str, Field(examples=["1aBcD"])]
    mime_type: Annotated[str, Field(examples=["application/pdf"])]


class FoldersBody(TypedDict):
    """The folders in a folder, by name."""

    path: Annotated[str, Field(examples=["Reports"])]
    folders: list[EntryBody]


class FilesBody(TypedDict):
    """What is in a folder: folders first, then files, by name."""

    path: Annotated[str, Field(examples=["Reports"])]
    entries: list[EntryBody]


class UploadedBody(TypedDict):
    """A file that was stored."""

    ok: Annotated[bool, Field(examples=[True])]
    upload_id: Annotated[str, Field(examples=["5d8e2f0a9b1c3d4e"])]
    file: EntryBody


class UploadBody(TypedDict):
    """The progress of an upload, in bytes. `total` is null where its length is unknown."""

    upload_id: Annotated[str, Field(examples=["5d8e2f0a9b1c3d4e"])]
    path: Annotated[str, Field(examples=["Reports/plan.pdf"])]
    state: Annotated[Literal["running", "completed", "failed"], Field(examples=["running"])]
    sent: Annotated[int, Field(examples=[8388608])]
    total: Annotated[int | None, Field(examples=[12582912])]
    error: Annotated[str | None, Field(examples=[None])]


class UploadsBody(TypedDict):
    """The running uploads to a remote, and the last that have ended."""

    uploads: list[UploadBody]
