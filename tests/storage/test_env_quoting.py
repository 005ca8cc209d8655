"""Values of env files: python-dotenv, a shell and OpenClaw's reader see what was written."""

import json
import logging
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dotenv import dotenv_values
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xo_cowork_core.storage.env_lines import EnvDocument
from xo_cowork_core.storage.env_quoting import EnvFileError, render_assignment
from xo_cowork_core.storage.envfile import change_env_file, read_env_file

TOOLCHAIN = Path(__file__).resolve().parents[2] / ".toolchain"
# what readers of env files treat in their own ways
SPECIAL = "'\"`$\\# =!~&|;<>(){}[]*?\t\u00a0ü"
HARD = (
    "it's",
    'say "x"',
    'it\'s "x"',
    "it's $HOME",
    "$(reboot)'",
    "`reboot`'",
    "a\\b",
    "a\\\\b",
    "C:\\dir\\",
    "\\",
    "'",
    '"',
    "'\\",
    '"\\',
    "  pad  ",
    " # no comment",
    "a=b=c",
    "${HOME:-x}",
    '{"key": "-----BEGIN\\nEND-----\\n", "b": 1}',
)
# blanks at an end, a # or a quote first, beside what needs escapes: npm's dotenv has no form for it
MISREAD_BY_NPM = ('"\\', "'\\", "'", '"')


@pytest.fixture(autouse=True)
def _quiet_dotenv(caplog: pytest.LogCaptureFixture) -> None:
    # of the part for shells python-dotenv says that it cannot read it
    caplog.set_level(logging.ERROR, logger="dotenv.main")


def write(file: Path, values: Mapping[str, str]) -> None:
    def change(text: str) -> str:
        document = EnvDocument(text)
        document.set(values)
        return document.text()

    change_env_file(file, change)


def read_in_shell(file: Path, keys: Mapping[str, str]) -> dict[str, str]:
    """Source a file with `sh -u`, and return the values of some keys."""
    script = '. "$1"; shift; for key; do eval "printf \'%s\\0\' \\"\\$$key\\""; done'
    command = ["sh", "-euc", script, "sh", str(file), *keys]
    done = subprocess.run(command, capture_output=True, check=True, env={"HOME": "/nowhere"})
    assert not done.stderr
    return dict(zip(keys, done.stdout.decode().split("\0")[:-1], strict=True))


def expect_all_readers_to_agree(values: Mapping[str, str]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "env"
        write(file, values)
        assert read_env_file(file).entries == values
        assert dotenv_values(file, interpolate=False) == values
        assert read_in_shell(file, values) == values


@pytest.mark.parametrize("value", HARD)
def test_readers_agree_on_a_hard_value_between_others(value: str) -> None:
    expect_all_readers_to_agree({"FIRST": "'", "KEY": value, "LAST": 'it\'s "last" $5'})


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(st.sampled_from(SPECIAL) | st.characters(codec="ascii")), max_size=20))
def test_python_dotenv_and_a_shell_read_what_was_written(texts: list[str]) -> None:
    lines = [text for text in texts if "\0" not in text and len(f"{text}.".splitlines()) == 1]
    # without entries no file is made
    assume(lines)
    expect_all_readers_to_agree({f"KEY_{number}": text for number, text in enumerate(lines)})


@pytest.mark.real
def test_openclaws_reader_reads_what_was_written(tmp_path: Path) -> None:
    if not TOOLCHAIN.exists():
        pytest.skip("the real CLIs are not here: run `make toolchain`")
    values = {f"K{n}": value for n, value in enumerate(v for v in HARD if v not in MISREAD_BY_NPM)}
    file = tmp_path / "env"
    write(file, values)
    script = (
        "const [library, file] = process.argv.slice(1); console.log(JSON.stringify("
        "require(library).parse(require('fs').readFileSync(file))))"
    )
    library = (TOOLCHAIN / "node_modules" / "dotenv").resolve()
    command = [str(TOOLCHAIN / "bin" / "node"), "-e", script, str(library), str(file)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == values


@pytest.mark.parametrize(
    "value", ["planted\n", "a\rb", *(f"a{char}" for char in "\v\f\x1c\x1d\x1e")]
)
def test_a_value_of_several_lines_is_refused_without_being_named(value: str) -> None:
    with pytest.raises(EnvFileError, match="must be one line") as refused:
        render_assignment("KEY", value)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize("key", ["", "A B", "1A", "A-B", "Ä", "A\n", "A=B", "A'"])
def test_a_name_that_a_shell_does_not_take_is_refused(key: str) -> None:
    with pytest.raises(EnvFileError, match="cannot be the name"):
        render_assignment(key, "1")
