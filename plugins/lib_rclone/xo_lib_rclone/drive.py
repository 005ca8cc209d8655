"""The parts of one connector, put together over one daemon."""

from xo_cowork_core.sdk import HostContext
from xo_lib_rclone.backend import RcloneBackend
from xo_lib_rclone.daemon import RcloneDaemon
from xo_lib_rclone.files import RemoteFiles
from xo_lib_rclone.program import RcloneProgram
from xo_lib_rclone.rc import RemoteControl
from xo_lib_rclone.remotes import Remotes
from xo_lib_rclone.transfers import Transfers
from xo_lib_rclone.uploads import Uploads


class CloudDrive:
    """Everything that the routes and the sign-in of a connector use. Starts nothing by itself."""

    def __init__(self, context: HostContext, connector: str, backend: RcloneBackend) -> None:
        self.context = context
        self.connector = connector
        self.backend = backend
        self.program = RcloneProgram(context)
        self.daemon = RcloneDaemon(context, self.program)
        self.rc = RemoteControl(self.daemon, context.http, backend.title)
        self.remotes = Remotes(context, connector, backend, self.rc)
        self.files = RemoteFiles(self.remotes, self.rc)
        self.transfers = Transfers(context, self.remotes, self.files, self.rc)
        self.uploads = Uploads()

    async def check_program(self) -> None:
        """Raise Unavailable: code `tool_missing` or `tool_too_old`, or why rclone does not start.

        A person should not sign in to what can't be used then. rclone is needed next in any case.
        """
        async with self.daemon.use():
            pass
