"""A refresh through rclone whose result the server did not live to store."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.network_context import NetworkContext
from tests.support.turn_engine import in_event_loop
from xo_cowork_core.sdk.connector import TokenSet
from xo_lib_rclone.backend import Options, RcloneBackend, StoredRemote
from xo_lib_rclone.daemon import RcloneDaemon
from xo_lib_rclone.errors import SectionMissing
from xo_lib_rclone.program import RcloneProgram
from xo_lib_rclone.rc import Parameters, RemoteControl
from xo_lib_rclone.refresh import RcloneRefresh, section_name

OLD = TokenSet(SecretStr("old-access"), SecretStr("old-refresh"), datetime.now(UTC))


class Memory(RcloneBackend):
    type = "drive"
    title = "Acme"

    async def options(self, remote: StoredRemote, tokens: TokenSet) -> Options:
        return {}


class RecordingControl(RemoteControl):
    """Records commands, and refuses the request that would refresh."""

    def __init__(self, context: NetworkContext) -> None:
        super().__init__(RcloneDaemon(context, RcloneProgram(context)), context.http, "Acme")
        self.calls: list[tuple[str, Parameters]] = []

    async def call(
        self,
        command: str,
        parameters: Parameters,
        *,
        repeatable: bool = True,
        timeout: float = 1.0,
    ) -> Parameters:
        self.calls.append((command, parameters))
        if command == "operations/about":
            raise SectionMissing("not this time")
        return {}


def leave_section(control: RecordingControl, life: timedelta) -> None:
    """Write what rclone leaves after a refresh."""
    token = {
        "access_token": "new-access",
        "token_type": "Bearer",
        "refresh_token": "new-refresh",
        "expiry": (datetime.now(UTC) + life).isoformat(),
    }
    text = f"[{section_name(OLD)}]\ntype = drive\ntoken = {json.dumps(token)}\n"
    control.daemon.config_file().write_text(text)


@in_event_loop
async def test_a_result_that_was_not_stored_is_taken_without_a_second_refresh(
    tmp_path: Path,
) -> None:
    async with NetworkContext(tmp_path) as context:
        control = RecordingControl(context)
        leave_section(control, timedelta(hours=1))
        tokens = await RcloneRefresh(Memory(), control).refresh(OLD)
        assert control.calls == []
        assert tokens.access_token == SecretStr("new-access")
        assert tokens.refresh_token == SecretStr("new-refresh")


@in_event_loop
async def test_a_result_that_has_expired_is_refreshed_with_the_rotated_token(
    tmp_path: Path,
) -> None:
    async with NetworkContext(tmp_path) as context:
        control = RecordingControl(context)
        leave_section(control, -timedelta(hours=1))
        with pytest.raises(SectionMissing):
            await RcloneRefresh(Memory(), control).refresh(OLD)
        command, parameters = control.calls[0]
        assert command == "config/create"
        sent = json.dumps(parameters)
        assert "new-refresh" in sent
        assert "old-refresh" not in sent


@in_event_loop
async def test_what_a_refresh_left_goes_with_its_tokens(tmp_path: Path) -> None:
    async with NetworkContext(tmp_path) as context:
        control = RecordingControl(context)
        leave_section(control, timedelta(hours=1))
        refresh = RcloneRefresh(Memory(), control)
        newer = TokenSet(SecretStr("new-access"), SecretStr("new-refresh"))
        await refresh.forget(newer)
        await refresh.forget(OLD)
        name = section_name(OLD)
        assert control.calls == [("config/delete", {"name": name})] * 2
