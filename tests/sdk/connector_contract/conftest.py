"""The connector of the plugin authors' page and its provider."""

from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "oauth_connector.py"


@pytest.fixture(scope="session")
def example() -> str:
    """The source of the example."""
    return EXAMPLE.read_text()
