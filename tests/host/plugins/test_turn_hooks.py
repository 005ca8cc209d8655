"""The hooks of a turn reach a plugin: the environment before it, the outcome after it."""

import json
from collections.abc import Callable
from pathlib import Path

from xo_cowork_core.sdk.testing import Chat, LiveServer, eventually, install_plugin

PLUGIN = """
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from xo_cowork_core.sdk import (
    Done, Event, Runtime, RuntimeInfo, TextDelta, Tokens, Turn, TurnOutcome, hookimpl,
)


class Reader(Runtime):
    def describe(self) -> RuntimeInfo:
        return RuntimeInfo("reader", "Reader")

    async def run(self, turn: Turn) -> AsyncIterator[Event]:
        yield TextDelta(turn.environment["READER_TURN"].get_secret_value())
        yield Done(tokens=Tokens(input=3, output=4), cost=0.5)


class Plugin:
    @hookimpl
    def xo_runtimes(self, context) -> Sequence[Runtime]:
        self.file = Path.home() / "outcomes"
        return [Reader()]

    @hookimpl
    def xo_turn_env(self, turn: Turn) -> Mapping[str, SecretStr]:
        return {"READER_TURN": SecretStr(f"{turn.text} in {turn.session_id}")}

    @hookimpl
    def xo_turn_finished(self, turn: Turn, outcome: TurnOutcome) -> None:
        row = [turn.stream_id, outcome.finish_reason, outcome.tokens.input, outcome.cost]
        with self.file.open("a") as file:
            file.write(json.dumps(row) + "\\n")


plugin = Plugin()
"""


def test_a_plugin_gives_a_turn_its_environment_and_is_told_its_outcome(
    live_server: Callable[..., LiveServer], tmp_path: Path
) -> None:
    folder = install_plugin(tmp_path, "runtime_reader", PLUGIN)
    server = live_server({"XO_PLUGINS": "runtime_reader"}, [folder])
    chat = Chat(server, "reader")
    turn = chat.run_turn("first")
    assert turn.text == f"first in {turn.session_id}"
    outcomes = server.home / "outcomes"
    eventually(
        lambda: outcomes.exists() and outcomes.read_text().endswith("\n"), 15, "the plugin is told"
    )
    assert json.loads(outcomes.read_text()) == [turn.stream_id, "stop", 3, 0.5]
