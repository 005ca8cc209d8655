"""What the log says of a program that failed: the end of its stderr, but not of a sign-in's."""

import logging
import sys
from typing import Any

import pytest

PROGRAM = "import sys; sys.exit({stderr!r})"
LINES = "\n".join(f"line {number}" for number in range(2000))


@pytest.mark.parametrize(
    ("stderr", "logged"), [(LINES, "line 1999"), ("x" * 5000, ""), ("no battery", "no battery")]
)
def test_the_log_has_the_last_whole_words_of_a_failed_program(
    run, caplog: pytest.LogCaptureFixture, stderr: str, logged: str
) -> None:
    async def test(harness: Any) -> None:
        with caplog.at_level(logging.WARNING, logger="xo_cowork"):
            process = await harness.python(PROGRAM.format(stderr=stderr))
            await process.wait(10)

    run(test)
    (message,) = [record.getMessage() for record in caplog.records]
    text = message.partition("ended with 1: ")[2]
    assert text.endswith(logged)
    assert len(text) <= 2000
    assert all(word in stderr.split() for word in text.split())


def test_the_log_has_nothing_of_what_a_sign_in_program_printed(
    run, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(harness: Any) -> None:
        with caplog.at_level(logging.WARNING, logger="xo_cowork"):
            process = harness.supervisor.spawn_captured(
                [sys.executable, "-c", PROGRAM.format(stderr="token: planted-secret")],
                cwd=harness.folder,
                environment={},
                owner="flow",
                plugin="harness",
                terminal=False,
                on_output=lambda: None,
            )
            await process.wait(10)
        assert "planted-secret" in process.stderr_tail

    run(test)
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.endswith("ended with 1")
