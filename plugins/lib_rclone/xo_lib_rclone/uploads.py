"""The progress of uploads, by an id that the client chose or gets. In memory alone."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from xo_cowork_core.sdk import Conflict, NotFound, XoError

MAX_UPLOADS = 128
UploadState: TypeAlias = Literal["running", "completed", "failed"]


@dataclass(slots=True)
class Upload:
    """One upload. `total` is unknown where the client does not say how long its body is."""

    upload_id: str
    remote: str
    path: str
    total: int | None = None
    sent: int = 0
    state: UploadState = "running"
    error: str = ""


class Uploads:
    """The running uploads of a connector and the last that have ended."""

    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}

    def begin(self, remote: str, path: str, upload_id: str, total: int | None) -> Upload:
        """Add an upload; without an id it gets one. Raises Conflict while the id is in use."""
        upload_id = upload_id or secrets.token_hex(8)
        before = self._uploads.pop(upload_id, None)
        if before is not None and before.state == "running":
            self._uploads[upload_id] = before
            raise Conflict("An upload with this upload_id is running.")
        self._evict()
        upload = self._uploads[upload_id] = Upload(upload_id, remote, path, total)
        return upload

    def of(self, remote: str) -> Sequence[Upload]:
        """Return the uploads to a remote, the latest last."""
        return [upload for upload in self._uploads.values() if upload.remote == remote]

    def find(self, remote: str, upload_id: str) -> Upload:
        """Return one upload. Raises NotFound."""
        upload = self._uploads.get(upload_id)
        if upload is None or upload.remote != remote:
            raise NotFound("There is no such upload; it may have ended long ago.")
        return upload

    def end(self, upload: Upload, error: BaseException | None = None) -> None:
        """Record how an upload ended."""
        upload.state = "failed" if error else "completed"
        if error is not None:
            upload.error = error.message if isinstance(error, XoError) else "The upload was cut."

    def _evict(self) -> None:
        ended = [name for name, each in self._uploads.items() if each.state != "running"]
        for name in ended[: max(0, len(self._uploads) - MAX_UPLOADS + 1)]:
            del self._uploads[name]
