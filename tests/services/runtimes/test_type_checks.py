"""A check that fails by itself blames nobody."""

import pytest

from xo_cowork_core.services.runtimes.type_checks import find_mismatch


class Raises(dict[str, str]):
    def items(self):
        raise OSError


def test_a_value_that_raises_is_named() -> None:
    text = find_mismatch(Raises(), dict[str, str], "call()")
    assert text == "call() returned Raises, which raised OSError"


def test_an_annotation_that_has_no_check_is_the_fault_of_the_host() -> None:
    with pytest.raises(KeyError):
        find_mismatch(5, type[int], "call()")
