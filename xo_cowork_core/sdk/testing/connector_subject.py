"""Describes a connector to `ConnectorContract`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.frames import Body
from xo_cowork_core.sdk.testing.oauth_server import FakeOAuthServer


@dataclass(frozen=True, slots=True)
class ConnectorSubject:
    """One connector, and the service that it signs in to.

    `provider` runs and stands in for the real service: `environment` has the settings that lead the
    connector to `provider.url`, and its client's id if the connector does not register one.
    `plugins` is the value of `XO_PLUGINS`; `python_path` is passed to `LiveServer`.

    `other_account` is what the provider's account path answers for another person; the default is
    the account with another `sub`. For a connector with API keys, `api_key` is one that the service
    accepts and `refused_key` a well-formed one that it does not. For a connector with a command,
    `command` gets a flow and does what the person does; it returns the text to submit, or "".
    `turn_environment` names the entries that agents get from the connector while it is signed in,
    and `raw_token_environment` those that only agents of projects with raw tokens get. `git_hosts`
    are the hosts for whose repositories git of agents gets credentials.
    """

    name: str
    provider: FakeOAuthServer
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    python_path: Sequence[Path] = ()
    plugins: str = "all"
    other_account: Mapping[str, JsonValue] | None = None
    api_key: str = "key-that-works-0123456789"
    refused_key: str = "key-that-was-revoked-0123"
    command: Callable[[Body], str] | None = None
    turn_environment: Sequence[str] = ()
    raw_token_environment: Sequence[str] = ()
    git_hosts: Sequence[str] = ()
