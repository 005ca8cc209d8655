"""The connector `vault`, whose connections are exported and imported, and its files."""

import stat
from pathlib import Path

from xo_cowork_core.sdk.testing import Connections, eventually, install_plugin

SOURCE = Path(__file__).parents[1] / "plugins" / "exporting.py"


def install_vault(folder: Path) -> Path:
    """Install the connector's plugin, `connector_vault`."""
    return install_plugin(folder, "connector_vault", SOURCE.read_text())


def sign_in(vault: Connections, key: str, connection: str = "default") -> None:
    """Sign in with a key."""
    flow = vault.connect(method="api_key", input=key, connection=connection)
    assert flow["state"] == "completed", flow


def wait_for(path: Path, text: str) -> str:
    """Wait until a file has a text, and return its content."""
    eventually(lambda: path.exists() and text in path.read_text(), 10, f"{path.name} has {text}")
    return path.read_text()


def wait_without(path: Path, text: str) -> None:
    """Wait until a file is gone, or no longer has a text."""
    eventually(lambda: not path.exists() or text not in path.read_text(), 10, f"no {text}")


def mode_of(path: Path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(path.stat().st_mode)
