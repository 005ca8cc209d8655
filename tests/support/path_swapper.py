"""Swaps what a path leads to, as fast as it can: run as `swapper.py HOME OUTSIDE`, until killed."""

import sys
from pathlib import Path

home, outside = Path(sys.argv[1]), Path(sys.argv[2])
first = True
while True:
    # a link that leads in and out in turn
    for goal in (home / "real", outside):
        (home / "fresh").symlink_to(goal)
        (home / "fresh").replace(home / "link")
    # a folder that is a link to outside for a moment
    (home / "folder").rename(home / "kept")
    (home / "folder").symlink_to(outside)
    (home / "folder").unlink()
    (home / "kept").rename(home / "folder")
    # a file that is a link for a moment
    (home / "fresh").symlink_to(outside / "f")
    (home / "fresh").replace(home / "leaf")
    (home / "fresh").write_text("mine")
    (home / "fresh").replace(home / "leaf")
    # a folder deep down that is moved outside while somebody goes through it
    (home / "folder" / "deep").rename(outside / "deep")
    (outside / "deep").rename(home / "folder" / "deep")
    if first:
        print("ready", flush=True)
        first = False
