"""Which folder a turn runs in, and which project it belongs to."""

from pathlib import Path

import pytest

from tests.support.turn_engine import FunctionRuntime, TurnEngine, in_event_loop
from xo_cowork_core.sdk import Forbidden, NotFound, Turn
from xo_cowork_core.services.turns.prompt import AttachedFile, Prompt


async def resolved(engine: TurnEngine, **fields: str | None) -> Turn:
    return (await engine.resolver.resolve(Prompt("hello", **fields))).turn


@in_event_loop
async def test_a_new_turn_runs_in_its_project_else_its_workspace_else_the_root(
    tmp_path: Path,
) -> None:
    shop, plain = tmp_path / "xo-projects" / "shop", tmp_path / "plain"
    (shop / "src").mkdir(parents=True)
    plain.mkdir()
    async with TurnEngine(tmp_path, [FunctionRuntime()]) as engine:
        turn = await resolved(engine, agent_id="shop", workspace=str(plain))
        assert (turn.agent_id, turn.cwd) == ("shop", shop)
        turn = await resolved(engine, workspace=str(shop / "src"))
        assert (turn.agent_id, turn.cwd) == ("shop", shop)
        turn = await resolved(engine, workspace=str(plain))
        assert (turn.agent_id, turn.cwd) == (None, plain)
        turn = await resolved(engine, agent_id="new")
        assert (turn.agent_id, turn.cwd) == ("new", engine.projects / "new")
        assert turn.cwd.is_dir()
        turn = await resolved(engine)
        assert (turn.agent_id, turn.cwd) == (None, engine.projects)


@in_event_loop
async def test_a_session_stays_in_its_folder_until_that_is_gone(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    async with TurnEngine(tmp_path, [FunctionRuntime()]) as engine:
        started = await engine.turns.start(Prompt("hello", workspace=str(plain)))
        await engine.read_stream(started.stream_id)
        assert (await resolved(engine, session_id=started.session_id)).cwd == plain
        plain.rmdir()
        assert (await resolved(engine, session_id=started.session_id)).cwd == engine.projects


def attached(path: Path) -> AttachedFile:
    return AttachedFile(str(path), name="", mime_type="", file_id="", size=0)


@in_event_loop
async def test_an_attachment_outside_the_home_folder_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "secret").write_text("x")
    (home / "note.md").write_text("x")
    async with TurnEngine(home, [FunctionRuntime()]) as engine:
        note = attached(home / "note.md")
        turn = (await engine.resolver.resolve(Prompt("hello", attachments=(note,)))).turn
        assert [(file.name, file.mime_type) for file in turn.attachments] == [
            ("note.md", "text/markdown")
        ]
        for path, error in ((tmp_path / "secret", Forbidden), (home / "missing", NotFound)):
            with pytest.raises(error):
                files = (attached(path),)
                await engine.resolver.resolve(Prompt("hello", attachments=files))
