"""Wheels and an installation of them, built once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installed_host import InstalledHost, build_wheels, create_environment


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheels of all distributions."""
    folder = tmp_path_factory.mktemp("wheels")
    build_wheels(tmp_path_factory.mktemp("source"), folder)
    return folder


@pytest.fixture(scope="session")
def installed_host(
    wheels: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InstalledHost]:
    """Install the core with the plugins of two extras."""
    host = create_environment(tmp_path_factory.mktemp("host") / "venv", wheels)
    host.install("xo-cowork-core[demo,claude]")
    yield host
    shutil.rmtree(host.folder)
