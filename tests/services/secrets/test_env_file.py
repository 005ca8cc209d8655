"""What reaches an agent: its env file over the declared keys of the server's environment."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from xo_cowork_core.sdk import BadRequest
from xo_cowork_core.services.secrets.env_file import EnvFileSecrets


def _revealed(secrets: EnvFileSecrets) -> dict[str, str]:
    return {key: value.get_secret_value() for key, value in secrets.environment().items()}


def test_the_file_wins_and_only_declared_keys_are_inherited(tmp_path: Path):
    file = tmp_path / "env"
    secrets = EnvFileSecrets(
        file,
        keys=["A_KEY", "B_KEY", "EMPTY"],
        environment={"A_KEY": "1", "B_KEY": "2", "PATH": "/"},
        owns_file=True,
    )
    assert _revealed(secrets) == {"A_KEY": "1", "B_KEY": "2"}
    file.write_text("B_KEY=file\nC_KEY='c d'\n")
    assert _revealed(secrets) == {"A_KEY": "1", "B_KEY": "file", "C_KEY": "c d"}


def test_nothing_is_interpolated_and_odd_lines_are_passed_over(tmp_path: Path):
    file = tmp_path / "env"
    file.write_bytes(b"# a comment\nexport A=$HOME/${USER}\nNOVALUE\nB=\nC=\xff\n")
    secrets = EnvFileSecrets(file, keys=[], environment={}, owns_file=True)
    # what is not UTF-8 is no usable value; the file keeps it
    assert _revealed(secrets) == {"A": "$HOME/${USER}", "B": ""}


def test_a_secret_is_not_shown(tmp_path: Path):
    file = tmp_path / "env"
    file.write_text("KEY=planted\n")
    secrets = EnvFileSecrets(file, keys=[], environment={"KEY": "planted"}, owns_file=True)
    assert "planted" not in repr(secrets.environment())


def _store(file: Path, **values: str) -> None:
    secrets = EnvFileSecrets(file, keys=[], environment={}, owns_file=True)
    secrets.store({key: SecretStr(value) for key, value in values.items()})


def test_stored_entries_take_their_old_lines_and_keep_comments(tmp_path: Path):
    file = tmp_path / "deep" / "env"
    _store(file, FIRST="1")
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("# top\nB=0\nexport A='x # y' # note\n\nbroken line\nB=1 # last\r\n# end")
    _store(file, B="two words", C="3", A="new")
    # the earlier line of B would keep an old value
    wanted = "# top\nexport A=new # note\n\nbroken line\nB='two words' # last\n# end\nC=3\n"
    assert file.read_text() == wanted


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Cs"]))


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True), VALUES))
def test_what_is_stored_is_read_back_or_refused(values: dict[str, str]):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "env"
        try:
            _store(file, **values)
        except BadRequest:
            assert not file.exists()
            return
        assert _revealed(EnvFileSecrets(file, keys=[], environment={}, owns_file=True)) == values


@pytest.mark.parametrize(
    ("key", "value"),
    [("A B", "1"), ("", "1"), ("A", "1\n2"), ("A", "1\x00"), ("A", "1\u2028"), ("A", "1\r")],
)
def test_a_bad_entry_writes_nothing_and_is_not_shown(tmp_path: Path, key: str, value: str):
    file = tmp_path / "env"
    with pytest.raises(BadRequest) as refused:
        _store(file, **{"GOOD": "planted", key: f"planted{value}"})
    assert "planted" not in str(refused.value)
    assert not file.exists()


def test_parallel_stores_lose_nothing(tmp_path: Path):
    file = tmp_path / "env"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: _store(file, **{f"K{number}": "x"}), range(24)))
    assert len(_revealed(EnvFileSecrets(file, keys=[], environment={}, owns_file=True))) == 24
