"""What a connector needs: its interface and abilities, the ways to sign in, and tokens."""

from xo_cowork_core.sdk.connector.account_request import fetch_account
from xo_cowork_core.sdk.connector.connector import (
    Account,
    ConnectionState,
    Connector,
    ConnectorInfo,
    ProvidesTurnEnvironment,
    Revokes,
)
from xo_cowork_core.sdk.connector.methods import (
    AgentLogin,
    ApiKey,
    AuthorizationCode,
    CommandLogin,
    CommandOutput,
    DeviceCode,
    LoopbackRedirect,
    MethodKind,
    OAuthClient,
    OAuthServer,
    OutputStream,
    SignInDialog,
    SignInMethod,
)
from xo_cowork_core.sdk.connector.tokens import ConnectorTokens, TokenSet

__all__ = [
    "Account",
    "AgentLogin",
    "ApiKey",
    "AuthorizationCode",
    "CommandLogin",
    "CommandOutput",
    "ConnectionState",
    "Connector",
    "ConnectorInfo",
    "ConnectorTokens",
    "DeviceCode",
    "LoopbackRedirect",
    "MethodKind",
    "OAuthClient",
    "OAuthServer",
    "OutputStream",
    "ProvidesTurnEnvironment",
    "Revokes",
    "SignInDialog",
    "SignInMethod",
    "TokenSet",
    "fetch_account",
]
