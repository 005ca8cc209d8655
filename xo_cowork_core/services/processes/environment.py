"""Which of the server's own environment a child may see."""

from collections.abc import Mapping

from pydantic import SecretStr

PASSED_ON = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TERM", "TZ", "TMPDIR"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
        *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    }
)
PASSED_ON_PREFIXES = ("LC_", "XDG_")


def child_environment(
    own: Mapping[str, str], given: Mapping[str, SecretStr | str], marks: Mapping[str, str]
) -> dict[str, str]:
    """Lay `given` over what is passed on of `own`, and the marks over both. Secrets are in the
    clear from here: call it in the line that starts the process."""
    passed = {
        name: value
        for name, value in own.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
    revealed = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in given.items()
    }
    return passed | revealed | dict(marks)
