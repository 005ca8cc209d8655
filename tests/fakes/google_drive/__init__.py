"""A fake of Google's sign-in and of the Drive API v3, under Google's host names.

It has what rclone's Drive backend uses. Two files of one folder may have the same name, and a file
that was deleted is in the trash, as in Drive.
"""

from tests.fakes.google_drive.file_store import FOLDER_TYPE, DriveFile, FileStore
from tests.fakes.google_drive.service import API_HOST, LOGIN_HOST, TOKEN_HOST, FakeGoogle

__all__ = [
    "API_HOST",
    "FOLDER_TYPE",
    "LOGIN_HOST",
    "TOKEN_HOST",
    "DriveFile",
    "FakeGoogle",
    "FileStore",
]
