"""Which versions of the core a plugin's distribution requires."""

from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from xo_cowork_core.host.plugins.discovery import find_version_mismatch

VERSION = "0.1.5"


@pytest.mark.parametrize(
    ("requirement", "mismatch"),
    [
        ("xo-cowork-core", ""),
        ("xo-cowork-core>=0.1,<0.2", ""),
        ("xo-cowork-core ~= 0.1.2", ""),
        ("xo-cowork-core>=0.1.5.0, <0.1.6", ""),
        ("xo-cowork-core<0.1.10,>=0.1", ""),
        ("xo-cowork-core<0.1.5", f"needs xo-cowork-core<0.1.5, this is {VERSION}"),
        ("xo-cowork-core>=0.1.10", f"needs xo-cowork-core>=0.1.10, this is {VERSION}"),
        ("xo-cowork-core==0.1.*", ""),
        ("XO_Cowork.Core >= 99", f"needs xo-cowork-core>=99, this is {VERSION}"),
        ("xo-cowork-core[all]>=99", f"needs xo-cowork-core>=99, this is {VERSION}"),
        ("xo-cowork-core (>=99)", f"needs xo-cowork-core>=99, this is {VERSION}"),
        (
            "xo-cowork-core>=99; python_version >= '3'",
            f"needs xo-cowork-core>=99, this is {VERSION}",
        ),
        ("xo-cowork-core>=99; python_version < '3'", ""),
        ("xo-cowork-core @ https://example.com/core.whl", ""),
        ("xo-cowork-core-extras>=99", ""),
        ("xo-cowork-core>=one", "its requirement 'xo-cowork-core>=one' can't be read"),
        ("xo-cowork-core>=1 <2", "its requirement 'xo-cowork-core>=1 <2' can't be read"),
    ],
)
def test_a_requirement_on_the_core_is_compared_with_its_version(
    tmp_path: Path, requirement: str, mismatch: str
) -> None:
    lines = ["Metadata-Version: 2.4", "Name: acme", "Version: 1", f"Requires-Dist: {requirement}"]
    (tmp_path / "METADATA").write_text("\n".join(lines))
    assert find_version_mismatch(PathDistribution(tmp_path), VERSION) == mismatch
