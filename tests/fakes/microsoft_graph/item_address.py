"""Addresses of drive items: by id, by a path below the root or below another item."""

import re
from typing import NamedTuple

ADDRESS = re.compile(
    r"/v1\.0/(?:me/drive|drives/(?P<drive>[^/]+))/(?:root|items/(?P<item>[^/:]+))"
    r"(?::/(?P<path>[^:]*):?)?(?:/(?P<operation>children|content|createUploadSession))?/?"
)


class ItemAddress(NamedTuple):
    """One item of a drive, and what is to be done with it.

    `drive_id` is empty for the account's own drive. With a path, the item may not exist yet.
    """

    drive_id: str
    item_id: str
    path: str
    operation: str


def parse_address(path: str) -> ItemAddress | None:
    """Return the address in a decoded URL path, None when it is no item's."""
    match = ADDRESS.fullmatch(path)
    if match is None:
        return None
    return ItemAddress(
        match["drive"] or "",
        match["item"] or "root",
        (match["path"] or "").strip("/"),
        match["operation"] or "",
    )
