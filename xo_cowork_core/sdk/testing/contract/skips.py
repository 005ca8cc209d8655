"""How a case is skipped that a subject's declaration leaves out."""

from typing import NoReturn

import pytest

REASON = "the subject declares that it has no "


def skip_without(feature: str) -> NoReturn:
    """Skip the case, because the subject does not declare `feature`."""
    pytest.skip(f"{REASON}{feature}")
