"""What is read of gh: the code on its screen, and the token in its folder."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from xo_connector_github.sign_in import GH, read_token
from xo_cowork_core.sdk import UpstreamFailed
from xo_cowork_core.sdk.connector import CommandOutput

HOSTS = """\
github.com:
    users:
        octo-test:
            oauth_token: gho_first
    git_protocol: https
    oauth_token: gho_first
    user: octo-test
"""
EXPIRING = """\
github.com:
    users:
        octo-test:
            refreshable_oauth_token:
                access_token: ghu_first
                refresh_token: ghr_first
                expires_in: "3600"
                expires_at: "2026-11-29T02:24:17.954387486Z"
    git_protocol: https
    user: octo-test
"""
# of 2.46 and 2.103
SCREENS = (
    "! First copy your one-time code: WDJB-MJHT\n"
    "Open this URL to continue in your web browser: https://github.com/login/device\n",
    "! Failed to copy one-time code to clipboard\n  No clipboard utilities available.\n"
    "! First copy your one-time code: WDJB-MJHT\n"
    "Open this URL to continue in your web browser: https://github.com/login/device\n",
)


@pytest.fixture
def output(tmp_path: Path) -> CommandOutput:
    return CommandOutput("", "", 0, tmp_path)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_code_and_the_page_are_found_on_the_screen(screen: str) -> None:
    code, page = re.search(GH.code_pattern, screen), re.search(GH.url_pattern, screen)
    assert code and page
    assert (code[1], page[0]) == ("WDJB-MJHT", "https://github.com/login/device")


def test_the_token_is_read_from_its_folder(output: CommandOutput, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(HOSTS)
    tokens = read_token(output)
    assert (tokens.access_token.get_secret_value(), tokens.expires_at) == ("gho_first", None)


def test_a_token_that_expires_is_read_without_its_refresh_token(
    output: CommandOutput, tmp_path: Path
) -> None:
    (tmp_path / "hosts.yml").write_text(EXPIRING)
    tokens = read_token(output)
    assert tokens.access_token.get_secret_value() == "ghu_first"
    assert tokens.refresh_token is None
    assert tokens.expires_at == datetime(2026, 11, 29, 2, 24, 17, tzinfo=UTC)


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"github.com:\n    user: octo-test\n"])
def test_a_folder_without_a_token_is_a_failure(
    output: CommandOutput, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "hosts.yml").write_bytes(content)
    with pytest.raises(UpstreamFailed):
        read_token(output)


def test_an_odd_time_is_no_failure(output: CommandOutput, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(EXPIRING.replace("2026-11-29T", "soon"))
    assert read_token(output).expires_at is None
