"""What goes in and comes out of a real process, and its environment."""

import asyncio
import json
import os
import sys
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from xo_cowork_core.sdk import AgentFailure, Process


async def lines_of(process: Process) -> list[bytes]:
    return [line async for batch in process.batches() for line in batch]


def test_batches_end_at_death_although_a_grandchild_holds_stdout(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.start_script("holds_stdout.py")
        assert await process.wait(30) == 0
        async with asyncio.timeout(20):
            assert await lines_of(process) == [b"whole", b"torn"]
        assert harness.alive()

    run(test)


def test_all_that_was_in_the_pipe_is_delivered_to_a_late_reader(run) -> None:
    code = "import sys; sys.stdout.write('x' * 99 + '\\n') and [print(n) for n in range(70000)]"

    async def test(harness: Any) -> None:
        process = await harness.python(code)
        assert await process.wait(30) == 0
        assert await lines_of(process) == [b"x" * 99, *(b"%d" % n for n in range(70000))]

    run(test)


def test_a_slow_reader_makes_the_process_wait(run) -> None:
    code = "import sys\nfor n in range(200): sys.stdout.write('y' * 99999 + '\\n')"

    async def test(harness: Any) -> None:
        process = await harness.python(code)
        before = psutil.Process().memory_info().rss
        assert await process.wait(1.0) is None
        assert psutil.Process().memory_info().rss - before < 4_000_000
        assert [len(line) for line in await lines_of(process)] == [99999] * 200

    run(test)


def test_a_line_of_5_mb_arrives_whole_between_short_ones(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python(
            "print('a'); print('z' * 5_000_000); print('b\\r\\n', end='')"
        )
        first, long, last = await lines_of(process)
        assert (first, len(long), last) == (b"a", 5_000_000, b"b")

    run(test)


def test_a_line_of_more_than_64_mib_is_refused(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python("import sys\nwhile True: sys.stdout.write('z' * 1_000_000)")
        with pytest.raises(AgentFailure, match="64 MiB"):
            await lines_of(process)
        await process.stop()

    run(test)


def test_a_second_reader_continues_where_the_first_stopped(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python(
            "import sys\nfor line in sys.stdin: print(line * 2, flush=True)"
        )
        await process.write(b"one\n")
        seen: list[bytes] = []
        while len(seen) < 2:
            seen += await anext(process.batches())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                seen += [line async for batch in process.batches() for line in batch]
        await process.write(b"two")
        await process.close_stdin()
        assert seen + await lines_of(process) == [b"one", b"one", b"", b"twotwo"]

    run(test)


def test_3_mb_of_stderr_neither_block_nor_pile_up(run) -> None:
    code = "import sys; sys.stderr.write('e' * 3_000_000 + 'the end'); print('done')"

    async def test(harness: Any) -> None:
        process = await harness.python(code)
        assert await lines_of(process) == [b"done"]
        assert await process.wait(30) == 0
        assert process.stderr_tail == "e" * (8192 - 7) + "the end"

    run(test)


def test_1_mb_reaches_a_child_that_reads(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python("import sys; print(len(sys.stdin.read()))")
        await process.write(b"p" * 1_000_000)
        await process.close_stdin()
        assert await lines_of(process) == [b"1000000"]

    run(test)


def test_an_interrupted_message_is_completed_before_the_next(run) -> None:
    code = (
        "import os, sys, time\n"
        "while not os.path.exists(sys.argv[1] + '/go'): time.sleep(0.01)\n"
        "input(); print(*(set(line) for line in sys.stdin), flush=True)"
    )

    async def test(harness: Any) -> None:
        process = await harness.python(code)
        await process.write(b"\n")
        with pytest.raises(AgentFailure):
            await process.write(b"a" * 999_999 + b"\n", timeout=0.05)
        (harness.folder / "go").touch()
        await process.write(b"b\n")
        await process.close_stdin()
        [answer] = await lines_of(process)
        assert sorted(answer.decode()) == sorted("{'a', '\\n'} {'b', '\\n'}")

    run(test)


def test_a_write_to_a_dead_child_says_crashed(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python("pass")
        assert await process.wait(30) == 0
        with pytest.raises(AgentFailure) as failure:
            await process.write(b"hello\n")
        assert failure.value.code == "crashed"

    run(test)


def test_a_write_to_a_child_that_dies_meanwhile_says_crashed(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python("import time; time.sleep(0.3)")
        with pytest.raises(AgentFailure) as failure:
            await process.write(b"p" * 1_000_000, timeout=30)
        assert failure.value.code == "crashed"

    run(test)


def test_a_write_to_a_child_that_never_reads_times_out(run) -> None:
    async def test(harness: Any) -> None:
        process = await harness.python("import time; time.sleep(60)")
        with pytest.raises(AgentFailure) as failure:
            await process.write(b"p" * 1_000_000, timeout=0.2)
        assert failure.value.code == "timeout"

    run(test)


def test_the_environment_is_an_allow_list_with_the_given_on_top(run, monkeypatch) -> None:
    monkeypatch.setenv("SERVER_SECRET", "planted")
    monkeypatch.setenv("LC_TIME", "C")
    monkeypatch.setenv("TERM", "dumb")
    code = "import json, os; print(json.dumps(dict(os.environ)))"

    async def test(harness: Any) -> None:
        process = await harness.processes.spawn(
            [sys.executable, "-c", code],
            cwd=harness.folder,
            environment={"KEY": SecretStr("k-1"), "TERM": "xterm"},
        )
        seen = json.loads(b"".join(await lines_of(process)))
        assert "SERVER_SECRET" not in seen
        assert (seen["KEY"], seen["TERM"], seen["LC_TIME"]) == ("k-1", "xterm", "C")
        assert seen["PATH"] == os.environ["PATH"]

    run(test)


def test_a_missing_program_or_folder_is_named(run) -> None:
    async def test(harness: Any) -> None:
        with pytest.raises(AgentFailure, match="no-such-agent") as failure:
            await harness.processes.spawn(["no-such-agent"], cwd=harness.folder, environment={})
        assert failure.value.code == "not_installed"
        with pytest.raises(AgentFailure, match="no-such-folder") as failure:
            await harness.processes.spawn(
                ["true"], cwd=harness.folder / "no-such-folder", environment={}
            )
        assert failure.value.code == "not_installed"

    run(test)
