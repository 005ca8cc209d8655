"""No secret survives the mask, wherever it stands and whatever its name looks like."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xo_cowork_core.services.secrets.masking import (
    MASK,
    SecretMasker,
    is_secret_name,
    masked_preview,
)

SECRET = "planted-4f1c-secret-value"
NOUNS = ("token", "secret", "password", "api_key", "private_key", "access_token", "credentials")
NOUNS += ("authorization", "passphrase", "client_secret", "bearer", "cookie", "auth_token", "pat")
PREFIXES = ("", "my", "bot", "gateway", "OPENROUTER", "anthropic", "x")
KINDS = {
    "snake": "_".join,
    "kebab": "-".join,
    "dotted": ".".join,
    "screaming": lambda words: "_".join(words).upper(),
    "camel": lambda words: words[0].lower() + "".join(word.title() for word in words[1:]),
    "pascal": lambda words: "".join(word.title() for word in words),
}


@st.composite
def secret_names(draw: st.DrawFn) -> str:
    words = [draw(st.sampled_from(PREFIXES)), *draw(st.sampled_from(NOUNS)).split("_")]
    join = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    return join([word for word in words if word]) + draw(st.sampled_from(("", "2", "_1")))


plain = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
names = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)
secrets = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=8, max_size=40)


def dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


@given(name=secret_names(), secret=secrets, value=values, wrap=st.integers(0, 3))
def test_what_has_a_secret_name_is_masked_at_any_depth(name, secret, value, wrap) -> None:
    config: object = {name: [secret, {"inner": secret}, f"-{secret}-"] if wrap == 3 else secret}
    for _ in range(wrap):
        config = {"outer": [value, config], "providers": {"x": config}}
    masked = dumped(SecretMasker().mask(config))
    # texts of the strategy may hold the secret by chance; it has at least eight characters
    assert secret not in masked.replace(dumped(value), "")


@given(
    secret=secrets,
    value=values,
    before=st.text(max_size=9),
    after=st.text(max_size=9),
    name=names,
)
def test_a_known_secret_is_masked_wherever_it_stands(secret, value, before, after, name) -> None:
    text = f"{before}{secret}{after}"
    config = {name: text, "list": [value, text, [text]], "as_name": {text: 1}}
    assert secret not in dumped(SecretMasker([secret]).mask(config))


@given(value=values)
def test_the_form_of_a_value_stays(value) -> None:
    def form(of: object) -> object:
        if isinstance(of, dict):
            return sorted(str(form(item)) for item in of.values())
        return [form(item) for item in of] if isinstance(of, list) else type(of).__name__

    config = {"plain": value}
    masked = SecretMasker().mask(config)
    # a name that looks like a secret turns a number under it into a text
    assert str(form(masked)).replace("int", "str") == str(form(config)).replace("int", "str")


@pytest.mark.parametrize(
    "text",
    [
        "sk-ant-REDACTED",
        "ghp_0123456789abcdef",
        "xoxb-123456789-abcdef",
        "eyJhbGciOiJub25l.eyJzdWIiOiIxIn0.sig",
        "123456789:AAF-0123456789abcdefghijklmnopqrstu",
        "Bearer planted-4f1c-secret-value",
        "https://ada:planted-4f1c@example.com/path",
        "https://example.com/hook?token=planted-4f1c&x=1",
        "X-Api-Key: planted-4f1c",
        "-----BEGIN PRIVATE KEY-----\nplanted-4f1c\n-----END PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_is_masked_under_any_name(text) -> None:
    masked = dumped(SecretMasker().mask({"note": f"{text} and more", "items": [text]}))
    assert MASK in masked
    for part in ("0123456789abc", "planted", "abcdef", "eyJzdWIi"):
        assert part not in masked


def test_names_and_values_in_pairs_and_options_are_secrets_too() -> None:
    config = {
        "headers": [{"name": "Authorization", "value": SECRET}, {"name": "Accept", "value": "x"}],
        "args": ["--port", "80", "--api-key", SECRET, f"--token={SECRET}", "--name", "plain"],
        "pin": 123456,
        "auth": {"mode": "token", "token": SECRET},
        "tokens": {"first": SECRET, "list": [SECRET]},
    }
    masked = SecretMasker().mask(config)
    assert SECRET not in dumped(masked)
    assert isinstance(masked, dict)
    assert masked["args"][1] == "80"
    assert masked["args"][-1] == "plain"
    assert masked["auth"]["mode"] == "token"
    assert masked["headers"][1] == {"name": "Accept", "value": "x"}
    assert masked["pin"] == MASK


def test_what_is_no_secret_stays_as_it_is() -> None:
    config = {
        "model": "vendor/model-1",
        "maxTokens": 4096,
        "contextTokens": 200000,
        "enabled": True,
        "author": "Ada",
        "apiKey": "${OPENAI_API_KEY}",
        "token": "",
        "token_file": None,
        "path": "/home/coder/project",
        "url": "http://127.0.0.1:11434/v1",
        "prompt": "Keep the tests green = good",
    }
    assert SecretMasker().mask(config) == config


@pytest.mark.parametrize(
    "name", ["author", "path", "model", "pattern", "mode", "enabled", "pinned"]
)
def test_ordinary_names_are_no_secrets(name) -> None:
    assert not is_secret_name(name)


@given(value=st.text(max_size=40))
def test_a_preview_shows_four_characters_of_a_long_value_at_most(value) -> None:
    shown = masked_preview(value).removeprefix(MASK)
    assert len(shown) <= (4 if len(value) >= 16 else 0)
    assert value.endswith(shown)


def test_a_large_value_is_masked_in_linear_time() -> None:
    long_texts = [
        "a" * 200_000,
        "key" * 70_000,
        "=" * 200_000,
        "sk-" * 70_000,
        "-eyJ" * 50_000,
        "://" * 70_000,
    ]
    started = time.thread_time()
    SecretMasker([SECRET]).mask(long_texts)
    assert time.thread_time() - started < 5
