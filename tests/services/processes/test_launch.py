"""What a program that is started inherits from the server."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

PRINT_UMASK = "import os; print(oct(os.umask(0)))"


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_program_creates_private_files_whatever_the_server_does(run, umask: int) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python(PRINT_UMASK)
        lines = [line async for batch in process.batches() for line in batch]
        assert lines == [b"0o77"]
        assert os.umask(umask) == umask, "the server's own is unchanged"

    run(test)
