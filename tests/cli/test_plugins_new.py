"""Names that `xo-cowork plugins new` refuses; `tests/packaging` runs the installed command."""

from pathlib import Path

import pytest
from typer import BadParameter

from xo_cowork_core.cli.plugins_new import PluginKind, plugins_new_command


@pytest.mark.parametrize("name", ["My_agent", "9lives", "-x", "a--b", "a b", "", "../x", "ünder"])
def test_a_name_that_cannot_be_a_package_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "made"
    with pytest.raises(BadParameter, match="is not a name"):
        plugins_new_command(PluginKind.RUNTIME, name, folder)
    assert not folder.exists()
