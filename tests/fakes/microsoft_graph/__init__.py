"""A fake of Microsoft's sign-in and of the Graph drive API, under Microsoft's host names.

It has what rclone's OneDrive backend uses, and refuses what Microsoft refuses: names with reserved
characters, tokens without the needed scope, ranges of an upload that don't fit.
"""

from .drive import Drive, DriveItem
from .service import ACCOUNT, DOWNLOAD_HOST, GRAPH_HOST, LOGIN_HOST, UPLOAD_HOST, FakeMicrosoft

__all__ = [
    "ACCOUNT",
    "DOWNLOAD_HOST",
    "GRAPH_HOST",
    "LOGIN_HOST",
    "UPLOAD_HOST",
    "Drive",
    "DriveItem",
    "FakeMicrosoft",
]
