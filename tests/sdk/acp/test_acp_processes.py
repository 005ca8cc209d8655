"""The processes of the kit's ACP runtime: shared, apart for other keys, and started again."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import SecretStr

from tests.sdk.acp.acp_subject import AGENT
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk import AgentFailure, Done, RuntimeInfo, TextDelta
from xo_cowork_core.sdk.kit import AcpRuntime
from xo_cowork_core.sdk.testing import FakeContext

HELLO = 'say "hello"'


class Mine(AcpRuntime):
    title = "Mine"
    command = str(AGENT)

    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("mine", "Mine")


class Cat(Mine):
    """A program that answers each request with the request itself."""

    command = "cat"


class Absent(Mine):
    command = "no-such-agent"
    install = "get it"


class Loses(Mine):
    environment: ClassVar = {"ACP_LOSES_SESSIONS": "1"}


@in_event_loop
async def test_turns_share_a_process_and_other_keys_get_another(tmp_path: Path) -> None:
    async with FakeContext(tmp_path) as context:
        runtime = Mine(context)
        for _ in range(2):
            events = await context.run(runtime, context.turn(HELLO))
            assert events[0] == TextDelta("hello")
            assert isinstance(events[-1], Done)
        assert len(context.processes.started) == 1
        keyed = replace(context.turn(HELLO), environment={"KEY": SecretStr("k")})
        await context.run(runtime, keyed)
        assert len(context.processes.started) == 2


@in_event_loop
async def test_a_process_that_ended_is_replaced_with_the_next_turn(tmp_path: Path) -> None:
    async with FakeContext(tmp_path) as context:
        runtime = Mine(context)
        with pytest.raises(AgentFailure, match="died on purpose"):
            await context.run(runtime, context.turn("die"))
        assert (await context.run(runtime, context.turn(HELLO)))[0] == TextDelta("hello")


@in_event_loop
async def test_a_session_keeps_the_agents_id_over_a_restart_of_the_plugin(tmp_path: Path) -> None:
    async with FakeContext(tmp_path) as context:
        turn = context.turn(HELLO)
        await context.run(Mine(context), turn)
        await context.run(Mine(context), replace(turn, new_session=False))

        def sessions() -> int:
            return len([f for f in (context.paths.home / ".acp").iterdir() if not f.suffix])

        assert sessions() == 1
        await context.run(Loses(context), replace(turn, new_session=False))
        assert sessions() == 2


@in_event_loop
async def test_a_program_that_speaks_no_acp_is_reported_and_ended(tmp_path: Path) -> None:
    async with FakeContext(tmp_path) as context:
        with pytest.raises(AgentFailure, match="did not start"):
            await context.run(Cat(context), context.turn(HELLO))
        (process,) = context.processes.started
        assert process.returncode is not None


@in_event_loop
async def test_a_missing_agent_is_told_with_the_command_that_installs_it(tmp_path: Path) -> None:
    async with FakeContext(tmp_path) as context:
        health = await Absent(context).health()
        assert (health.state, health.fix) == ("missing", "get it")
        with pytest.raises(AgentFailure) as error:
            await context.run(Absent(context), context.turn(HELLO))
        assert error.value.code == "not_installed"
        assert (await Mine(context).health()).state == "ready"
