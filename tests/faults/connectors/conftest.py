"""The cloud drives of the fault tests."""

from collections.abc import Iterator

import pytest

from .drive_world import DriveWorld, microsoft_vendor, run_world


@pytest.fixture(scope="module")
def onedrive_world() -> Iterator[DriveWorld]:
    with microsoft_vendor() as vendor, run_world(vendor) as world:
        yield world


@pytest.fixture
def onedrive(onedrive_world: DriveWorld) -> Iterator[DriveWorld]:
    """OneDrive without a remote."""
    onedrive_world.reset()
    yield onedrive_world
    onedrive_world.vendor.reset()
