"""Swaps the targets of paths in a loop until killed: `path_swapper.py HOME OUTSIDE`."""

import sys
from pathlib import Path

home, outside = Path(sys.argv[1]), Path(sys.argv[2])
first = True
while True:
    # a link whose target alternates between inside and outside
    for target in (home / "real", outside):
        (home / "incoming").symlink_to(target)
        (home / "incoming").replace(home / "link")
    # a folder that is briefly a link to outside
    (home / "folder").rename(home / "kept")
    (home / "folder").symlink_to(outside)
    (home / "folder").unlink()
    (home / "kept").rename(home / "folder")
    # a file that is briefly a link
    (home / "incoming").symlink_to(outside / "f")
    (home / "incoming").replace(home / "leaf")
    (home / "incoming").write_text("mine")
    (home / "incoming").replace(home / "leaf")
    # a nested folder that is moved outside during a walk
    (home / "folder" / "deep").rename(outside / "deep")
    (outside / "deep").rename(home / "folder" / "deep")
    if first:
        print("ready", flush=True)
        first = False
