"""Settings: their sources, and the errors of wrong ones."""

from pathlib import Path

import pytest

from xo_cowork_core.host.plugins.enabled import select_enabled_plugins
from xo_cowork_core.host.settings.model import read_settings, setting_fields
from xo_cowork_core.host.settings.sources import SettingError


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "XO_STATE_DIR": str(tmp_path),
        "XO_PLUGINS_DIR": str(tmp_path / "system"),
        "STAGE": "local",
    }


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(environment, tmp_path):
    (tmp_path / "config.toml").write_text('PORT = 6000\nhost = "127.0.0.2"\n')
    settings = read_settings(environment | {"PORT": "7000"})
    assert settings.port == 7000
    assert settings.host == "127.0.0.2"
    assert settings.wire_style == "docs"


def test_an_empty_variable_counts_as_not_set(environment):
    assert read_settings(environment | {"PORT": "", "XO_PLUGINS": " "}).port == 5002


def test_the_file_may_hold_lists_flags_and_numbers(environment, tmp_path):
    (tmp_path / "config.toml").write_text(
        'XO_PLUGINS = ["a", "b"]\nXO_PLUGINS_STRICT = true\nXO_PERMISSION_TIMEOUT = 1.5\n'
    )
    settings = read_settings(environment)
    assert settings.plugins == ("a", "b")
    assert settings.plugins_strict is True
    assert settings.permission_timeout == 1.5


def test_config_names_another_file(environment, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text("PORT = 6001\n")
    assert read_settings(environment | {"XO_CONFIG": str(other)}).port == 6001


def test_a_workspace_image_has_its_own_defaults(environment):
    beta = read_settings(environment | {"STAGE": "beta"})
    assert beta.permission_mode == "bypass"
    assert beta.wire_style == "spa"
    assert beta.workspace_root == Path("/home/coder")
    assert read_settings(environment).permission_mode == "ask"
    own = read_settings(environment | {"STAGE": "beta", "XO_PERMISSION_MODE": "accept_edits"})
    assert own.permission_mode == "accept_edits"
    assert read_settings(environment | {"STAGE": "beta", "XO_WIRE_STYLE": "docs"}).wire_style == (
        "docs"
    )


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:5003"),
        ("0.0.0.0", "http://127.0.0.1:5003"),
        ("::", "http://[::1]:5003"),
        ("box.example", "http://box.example:5003"),
    ],
)
def test_the_base_url_is_one_that_this_machine_reaches(environment, host, url):
    settings = read_settings(environment | {"HOST": host, "XO_API_TOKEN": "t0ken"})
    assert settings.base_url(5003) == url


def test_a_public_url_is_a_base(environment):
    settings = read_settings(environment | {"XO_PUBLIC_URL": "https://box.example/xo/"})
    assert settings.public_url == "https://box.example/xo"
    for wrong in ("box.example", "ws://box.example", "https://u:p@box.example", "https://b.x/?a=1"):
        with pytest.raises(SettingError, match="XO_PUBLIC_URL"):
            read_settings(environment | {"XO_PUBLIC_URL": wrong})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "http", "a port number"),
        ("PORT", "65536", "a port number"),
        ("PORT", "-1", "a port number"),
        ("STAGE", "prod", "one of local, beta"),
        ("XO_WIRE_STYLE", "xml", "one of docs, spa"),
        ("XO_PERMISSION_MODE", "yolo", "one of ask, accept_edits, bypass"),
        ("XO_PERMISSION_TIMEOUT", "0", "seconds above 0"),
        ("XO_PERMISSION_TIMEOUT", "nan", "seconds above 0"),
        ("XO_PERMISSION_TIMEOUT", "soon", "seconds above 0"),
        ("XO_PLUGINS_STRICT", "maybe", "1 or 0"),
        ("XO_OLLAMA_URL", "http://box.example:11434", "on this machine"),
        ("XO_OLLAMA_URL", "http://127.0.0.1.evil.example", "on this machine"),
        ("XO_OLLAMA_URL", "https://127.0.0.1:11434", "on this machine"),
        ("XO_OLLAMA_URL", "0.0.0.0", "on this machine"),
        ("XO_PROJECTS_ROOT", "projects", "an absolute path"),
        ("XO_PROJECTS_ROOT", "~no-such-user/projects", "an absolute path"),
        ("HOST", "http://127.0.0.1", "an address or a host name"),
        ("XO_ALLOWED_HOSTS", "https://box.example", "host names like"),
        ("XO_ALLOWED_HOSTS", "*", "host names like"),
        ("XO_ALLOWED_ORIGINS", "app.example", "origins like https://"),
        ("XO_ALLOWED_ORIGINS", "https://a.example, *", "origins like https://"),
        ("XO_ALLOWED_ORIGINS", "https://*.example", "origins like https://"),
        ("XO_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("CHAT_API_BASE_URL", "xo.example", "an address like https://"),
        ("CHAT_API_BASE_URL", "ftp://xo.example", "an address like https://"),
        ("CHAT_API_BASE_URL", "https://xo.example/?a=1", "an address like https://"),
        ("XO_AUTH_START_PATH", "auth/start", "a path like /"),
        ("XO_AUTH_STATUS_PATH", "//evil.example/x", "a path like /"),
        ("XO_AUTH_CONSUME_PATH", "/a/../b", "a path like /"),
        ("XO_AUTH_REFRESH_PATH", "/a?b", "a path like /"),
        ("XO_GET_USER_ID_PATH", "/a b", "a path like /"),
        ("USAGE_SYNC_HOUR_UTC", "24", "an hour from 0 to 23"),
        ("USAGE_SYNC_HOUR_UTC", "two", "an hour from 0 to 23"),
    ],
)
def test_a_wrong_value_is_one_line_with_name_place_and_what_is_allowed(
    environment, tmp_path, name, value, allowed
):
    with pytest.raises(SettingError) as caught:
        read_settings(environment | {name: value})
    line = str(caught.value)
    assert line.startswith(f"{name}={value!r} (from the environment)")
    assert allowed in line
    assert "\n" not in line
    (tmp_path / "config.toml").write_text(f'{name} = "{value}"\n')
    environment.pop(name, None)
    with pytest.raises(SettingError, match=r"config\.toml"):
        read_settings(environment)


def test_hosts_and_origins_are_read_in_one_form(environment):
    given = {
        "XO_ALLOWED_HOSTS": "Box.example:443, [2001:DB8::1]:80, 192.0.2.7",
        "XO_ALLOWED_ORIGINS": "HTTPS://App.example:443/, vscode-webview://abc",
    }
    settings = read_settings(environment | given)
    assert settings.allowed_hosts == ("box.example", "2001:db8::1", "192.0.2.7")
    assert settings.allowed_origins == ("https://app.example", "vscode-webview://abc")


def test_an_ipv6_host_may_be_in_brackets(environment):
    assert read_settings(environment | {"HOST": "[::1]"}).host == "::1"


def test_a_file_that_is_no_toml_or_not_there_is_one_line(environment, tmp_path):
    with pytest.raises(SettingError, match="does not exist"):
        read_settings(environment | {"XO_CONFIG": str(tmp_path / "nowhere.toml")})
    with pytest.raises(SettingError, match="the home of a user who does not exist"):
        read_settings(environment | {"XO_CONFIG": "~no-such-user/config.toml"})
    (tmp_path / "config.toml").write_text("PORT = = 3\n")
    with pytest.raises(SettingError, match=r"config\.toml can't be read as TOML"):
        read_settings(environment)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "my-machine"])
def test_a_host_that_others_reach_needs_a_token(environment, host):
    with pytest.raises(SettingError, match="XO_API_TOKEN"):
        read_settings(environment | {"HOST": host})
    assert not read_settings(environment | {"HOST": host, "XO_API_TOKEN": "t"}).loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_a_loopback_host_needs_none(environment, host):
    assert read_settings(environment | {"HOST": host}).loopback


def test_the_token_is_not_shown(environment):
    assert "s3cret" not in repr(read_settings(environment | {"XO_API_TOKEN": "s3cret"}).api_token)


def test_a_password_in_an_address_is_not_shown(environment):
    with pytest.raises(SettingError, match="CHAT_API_BASE_URL") as refused:
        read_settings(environment | {"CHAT_API_BASE_URL": "https://user:s3cret@xo.example"})
    assert "s3cret" not in str(refused.value)


def test_every_setting_has_a_name_and_a_word_of_help():
    fields = [field for _, field in setting_fields()]
    assert len({field.name for field in fields}) == len(fields) >= 18
    assert all(field.help.endswith(".") for field in fields)


INSTALLED = ("runtime_a", "runtime_b", "runtime_c")


@pytest.mark.parametrize(
    ("named", "enabled"),
    [
        ("", INSTALLED),
        ("all", INSTALLED),
        ("none", ()),
        ("runtime_b, runtime_x,runtime_b", ("runtime_b", "runtime_x")),
    ],
)
def test_plugins_are_enabled_by_name(environment, named, enabled):
    settings = read_settings(environment | {"XO_PLUGINS": named})
    assert select_enabled_plugins(settings, INSTALLED) == enabled


def test_drop_in_files_enable_plugins_layer_by_layer(environment, tmp_path):
    for folder, file, names in [
        ("system", "10-base.toml", '["runtime_c"]'),
        ("plugins.d", "20-team.toml", '["runtime_a", "runtime_c"]'),
    ]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text(f"plugins = {names}\n")
    assert select_enabled_plugins(read_settings(environment), INSTALLED) == (
        "runtime_c",
        "runtime_a",
    )
    named = read_settings(environment | {"XO_PLUGINS": "runtime_b"})
    assert select_enabled_plugins(named, INSTALLED) == ("runtime_b",)
    (tmp_path / "plugins.d" / "20-team.toml").write_text('plugins = "runtime_a"\n')
    with pytest.raises(SettingError, match=r"20-team\.toml must hold a list"):
        select_enabled_plugins(read_settings(environment), INSTALLED)


def test_all_mixed_with_names_is_refused(environment):
    settings = read_settings(environment | {"XO_PLUGINS": "all,runtime_a"})
    with pytest.raises(SettingError, match="mixes 'all'"):
        select_enabled_plugins(settings, INSTALLED)
