"""Who is signed in, from Codex's own files and the turn's environment."""

import base64
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from xo_runtime_codex.account import Account, find_account
from xo_runtime_codex.options import api_key_of
from xo_runtime_codex.protocol.tools import shell_command
from xo_runtime_codex.run.readonly_commands import only_reads


def token(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.signature"


def keys(**values: str) -> dict[str, SecretStr]:
    return {name: SecretStr(value) for name, value in values.items()}


def test_no_account_is_signed_in_by_default(tmp_path: Path) -> None:
    assert find_account(tmp_path, {}) is None
    assert find_account(tmp_path, keys(OPENAI_API_KEY="none")) is None


def test_a_subscription_has_a_face(tmp_path: Path) -> None:
    tokens = {
        "id_token": token(email="ada@example.com"),
        "access_token": token(exp=1800000000),
        "account_id": "acc-1",
    }
    (tmp_path / "auth.json").write_text(json.dumps({"auth_mode": "chatgpt", "tokens": tokens}))
    account = find_account(tmp_path, keys(OPENAI_API_KEY="sk-1"))
    assert account
    assert (account.kind, account.email, account.account_id) == (
        "chatgpt",
        "ada@example.com",
        "acc-1",
    )
    assert account.expires_at
    assert account.expires_at.year == 2027


@pytest.mark.parametrize("content", ["", "[]", "{", '{"tokens": 3}', '{"tokens": {"id_token": 1}}'])
def test_a_broken_auth_file_is_no_sign_in(tmp_path: Path, content: str) -> None:
    (tmp_path / "auth.json").write_text(content)
    assert find_account(tmp_path, {}) is None


def test_a_provider_of_ones_own_needs_its_own_key(tmp_path: Path) -> None:
    config = 'model_provider = "mine"\n[model_providers.mine]\nenv_key = "MINE_KEY"\n'
    (tmp_path / "config.toml").write_text(config)
    assert find_account(tmp_path, {}) is None
    assert find_account(tmp_path, keys(MINE_KEY="k")) == Account("provider")
    (tmp_path / "config.toml").write_text(config.replace("env_key", "name"))
    assert find_account(tmp_path, {}) == Account("provider")


def test_a_subscription_goes_before_a_general_key() -> None:
    both = keys(OPENAI_API_KEY="sk-open", CODEX_API_KEY="sk-codex")
    general = keys(OPENAI_API_KEY="sk-open")
    assert api_key_of(both, signed_in=True) == SecretStr("sk-codex")
    assert api_key_of(general, signed_in=True) is None
    assert api_key_of(general, signed_in=False) == SecretStr("sk-open")


@pytest.mark.parametrize("line", ["ls", "ls -la src", "cat 'a b.txt'", "grep -rn word .", "pwd"])
def test_a_read_only_command_needs_no_approval(line: str) -> None:
    assert only_reads(line)


@pytest.mark.parametrize(
    "line",
    ["ls; rm x", "cat a > b", "ls $(rm x)", "cat `x`", "find . -delete", "", "rm x", "ls\nrm x"],
)
def test_a_command_that_may_write_is_not_read_only(line: str) -> None:
    assert not only_reads(line)


def test_the_shell_is_taken_off_a_command() -> None:
    assert shell_command("/bin/bash -lc 'touch x && echo y'") == "touch x && echo y"
    assert shell_command(["/bin/zsh", "-lc", "ls"]) == "ls"
    assert shell_command("echo 'open") == "echo 'open"
    assert shell_command(["python3", "a b.py"]) == "python3 'a b.py'"
    # words of another type are shown
    assert shell_command([None, [], None]) == "None '[]' None"
