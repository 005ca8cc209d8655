"""Ways to sign in to a connector, as data that the host's login engine carries out.

The terms are those of RFC 6749 (authorization code), RFC 7636 (PKCE), RFC 8628 (device code),
RFC 8414 and RFC 9728 (discovery), RFC 7591 (dynamic client registration) and RFC 8707 (resource).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import ClassVar, Literal, Protocol, TypeAlias

from xo_cowork_core.sdk.connector.tokens import TokenSet
from xo_cowork_core.sdk.frozen_dataclass import frozen_dataclass

MethodKind: TypeAlias = Literal["authorization_code", "device_code", "api_key", "command", "agent"]
# `install`: of an installer; the first such line of a sign-in is the name of the package
OutputStream: TypeAlias = Literal["stdout", "stderr", "install"]


@frozen_dataclass
class OAuthServer:
    """An authorization server.

    With `issuer` the host reads the endpoints from its RFC 8414 metadata; with `resource`, the URL
    of a protected resource, it first reads the issuer from that resource's RFC 9728 metadata and
    sends the URL as `resource` (RFC 8707). An endpoint that is given here is used where the
    metadata lacks it, or can't be read. All URLs are https, or http on a loopback address.
    """

    issuer: str = ""
    resource: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    device_authorization_endpoint: str = ""
    registration_endpoint: str = ""
    revocation_endpoint: str = ""


@frozen_dataclass
class OAuthClient:
    """The client that the host is towards the authorization server.

    Its id is `client_id`, or the value of the plugin's secret `client_id_key`. The secret of a
    confidential client is the value of the plugin's secret `client_secret_key`. With `register`,
    a client without an id is registered dynamically under the name `client_name`, once for each
    issuer and redirect URI, and again when the server no longer knows it. `authentication` is how
    a client with a secret identifies itself, `basic` or `post`; by default what the metadata
    allows, else `basic`.
    """

    client_id: str = ""
    client_id_key: str = ""
    client_secret_key: str = ""
    register: bool = False
    client_name: str = "XO Cowork"
    authentication: Literal["", "basic", "post"] = ""


@frozen_dataclass
class LoopbackRedirect:
    """The redirect URI `http://<host>:<port><path>` on which the host listens during a sign-in.

    `port` 0 takes a free one, for providers that allow any port on loopback addresses (RFC 8252).
    `host` is the name in the URI, `127.0.0.1` or `localhost`; the listener is always on 127.0.0.1.
    """

    host: Literal["127.0.0.1", "localhost"] = "127.0.0.1"
    port: int = 0
    path: str = "/callback"


@frozen_dataclass
class AuthorizationCode:
    """Authorization code with PKCE (S256).

    The browser comes back to the loopback listener, to the server's public callback
    (`/api/oauth/callback`, only with `public_redirect`, for providers where that URL is
    registered), or a person pastes the URL it ended on. `parameters` are added to the
    authorization request, for example `access_type=offline`.
    """

    server: OAuthServer
    client: OAuthClient = field(default_factory=OAuthClient)
    scopes: Sequence[str] = ()
    id: str = "authorization_code"
    title: str = "Sign in with the browser"
    loopback: LoopbackRedirect = field(default_factory=LoopbackRedirect)
    public_redirect: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    kind: ClassVar[MethodKind] = "authorization_code"


@frozen_dataclass
class DeviceCode:
    """Device authorization: a person enters a short code on another page.

    Error answers with HTTP status 200, as some providers send them, are understood.
    """

    server: OAuthServer
    client: OAuthClient = field(default_factory=OAuthClient)
    scopes: Sequence[str] = ()
    id: str = "device_code"
    title: str = "Sign in with a code"
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    kind: ClassVar[MethodKind] = "device_code"


@frozen_dataclass
class ApiKey:
    """A key that a person pastes. It becomes the access token, which `identify` checks.

    `help` tells where to create one; `pattern` is a regular expression that the whole key matches.
    """

    id: str = "api_key"
    title: str = "Paste a key"
    help: str = ""
    pattern: str = ""
    kind: ClassVar[MethodKind] = "api_key"


@frozen_dataclass
class CommandOutput:
    """What a sign-in command wrote: `stdout` and `stderr` as text, `returncode` its exit code.

    `folder` is the private folder of the run, for a method that has one.
    """

    stdout: str
    stderr: str
    returncode: int
    folder: Path | None = None


@frozen_dataclass
class CommandLogin:
    """A program that signs in by itself, such as `rclone authorize` or `gh auth login`.

    `argv[0]` is a program's name. The host starts it without a shell, in a terminal if `terminal`,
    with `environment` added to its allow-list. `url_pattern` and `code_pattern` are regular
    expressions searched in its output; the first group, or else the whole match, is the URL to
    open and the code to enter there. With `takes_input` what a person pastes goes to its stdin, as
    one line: with a line feed through a pipe, with the Enter key in a terminal. `read_tokens`
    returns the tokens from the output of a run with exit code 0, or None where the program stored
    its sign-in itself, and raises `UpstreamFailed` where there are none. Such a flow does not
    survive a restart of the server.

    `read_input` turns what a person pasted into that line, and raises `BadRequest` for a text that
    can't be right; without it the text is passed on as it is.

    `error_pattern` finds the message of a program that goes on after an error instead of ending:
    the flow then fails with it. `install` is the command that installs the program, for people.

    `optional_flags` are flags that not all versions know: each is added where the `--help` of the
    command (of `argv` up to its first flag) names it. `private_folder` is the name of an
    environment entry, whose value is then a new folder, mode 0700, that is deleted with all that
    is in it when the flow ends: for a program that stores its sign-in in a folder of its own, so
    that the person's own sign-in stays as it is. `read_tokens` is called in a thread.

    `callback` is where the program itself listens for the browser. The host then passes a pasted
    URL on to it, lets one flow at a time use its port, and when `url_pattern` finds a URL of that
    address, shows people the one that it redirects to. With `server` and `client` the host
    refreshes the tokens.
    """

    argv: Sequence[str]
    url_pattern: str
    read_tokens: Callable[[CommandOutput], TokenSet | None]
    code_pattern: str = ""
    read_input: Callable[[str], str] | None = None
    error_pattern: str = ""
    install: str = ""
    optional_flags: Sequence[str] = ()
    private_folder: str = ""
    takes_input: bool = False
    terminal: bool = False
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    callback: LoopbackRedirect | None = None
    server: OAuthServer | None = None
    client: OAuthClient = field(default_factory=OAuthClient)
    id: str = "command"
    title: str = "Sign in with the command-line tool"
    kind: ClassVar[MethodKind] = "command"


class SignInDialog(Protocol):
    """What an `AgentLogin` tells the person who signs in, and asks of them."""

    @property
    def flow_id(self) -> str:
        """The owner of the processes of this sign-in: they end with it."""
        ...

    def prompt(self, url: str, user_code: str = "", *, expires_in: float | None = None) -> None:
        """Show a URL and the code to enter there, which are valid for `expires_in` seconds.

        Raises `UpstreamFailed` for a URL that is neither http nor https.
        """
        ...

    def print(self, stream: OutputStream, line: str) -> None:
        """Show a line of a program's output. It must not contain a secret."""
        ...


@frozen_dataclass
class AgentLogin:
    """A sign-in that the plugin's code carries out, for example over the agent's protocol.

    `run` shows a prompt within `start_seconds`, then waits for the person, and returns the tokens,
    or None where the agent stored its sign-in itself. It is cancelled when the flow is; what it
    raises (an `XoError`) is the flow's error. Such a flow does not survive a restart of the server.
    """

    run: Callable[[SignInDialog], Awaitable[TokenSet | None]]
    start_seconds: float = 30.0
    id: str = "agent"
    title: str = "Sign in with the agent"
    kind: ClassVar[MethodKind] = "agent"


SignInMethod: TypeAlias = AuthorizationCode | DeviceCode | ApiKey | CommandLogin | AgentLogin
