"""The routes of one cloud drive, below `/api/connectors/<connector>` (contract §7)."""

from fastapi import APIRouter

from xo_lib_rclone.api.file_routes import FileRoutes
from xo_lib_rclone.api.remote_routes import RemoteRoutes
from xo_lib_rclone.api.transfer_routes import TransferRoutes
from xo_lib_rclone.connector import DriveConnector
from xo_lib_rclone.plugin import prefix


def build_router(connector: DriveConnector) -> APIRouter:
    """Return all routes of a connector."""
    router = APIRouter(prefix=prefix(connector.describe().name))
    RemoteRoutes(connector).add_to(router)
    FileRoutes(connector.drive).add_to(router)
    TransferRoutes(connector.drive).add_to(router)
    return router
