"""What reaches an agent: its env file over the declared keys of the server's environment."""

from pathlib import Path

from xo_cowork_core.services.secrets import EnvFileSecrets


def _revealed(secrets: EnvFileSecrets) -> dict[str, str]:
    return {key: value.get_secret_value() for key, value in secrets.environment().items()}


def test_the_file_wins_and_only_declared_keys_are_inherited(tmp_path: Path):
    file = tmp_path / "env"
    secrets = EnvFileSecrets(
        file,
        keys=["A_KEY", "B_KEY", "EMPTY"],
        environment={"A_KEY": "1", "B_KEY": "2", "PATH": "/"},
    )
    assert _revealed(secrets) == {"A_KEY": "1", "B_KEY": "2"}
    file.write_text("B_KEY=file\nC_KEY='c d'\n")
    assert _revealed(secrets) == {"A_KEY": "1", "B_KEY": "file", "C_KEY": "c d"}


def test_nothing_is_interpolated_and_odd_lines_are_passed_over(tmp_path: Path):
    file = tmp_path / "env"
    file.write_bytes(b"# a comment\nexport A=$HOME/${USER}\nNOVALUE\nB=\nC=\xff\n")
    secrets = EnvFileSecrets(file, keys=[], environment={})
    assert _revealed(secrets) == {"A": "$HOME/${USER}", "B": "", "C": "\ufffd"}


def test_a_secret_is_not_shown(tmp_path: Path):
    file = tmp_path / "env"
    file.write_text("KEY=planted\n")
    secrets = EnvFileSecrets(file, keys=[], environment={"KEY": "planted"})
    assert "planted" not in repr(secrets.environment())
