"""Builds the environment of a child from an allow-list and what the caller adds."""

from collections.abc import Mapping

from pydantic import SecretStr

INHERITED_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
        *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    }
)
INHERITED_PREFIXES = ("LC_", "XDG_")


def child_environment(
    own: Mapping[str, str], added: Mapping[str, SecretStr | str], tag: Mapping[str, str]
) -> dict[str, str]:
    """Lay `added` over the inherited part of `own`, and `tag` over both.

    The result holds secrets in clear text: call this in the line that starts the process.
    """
    inherited = {
        name: value
        for name, value in own.items()
        if name in INHERITED_NAMES or name.startswith(INHERITED_PREFIXES)
    }
    revealed = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in added.items()
    }
    return inherited | revealed | dict(tag)
