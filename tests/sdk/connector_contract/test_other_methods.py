"""The contract's sign-ins with what the example doesn't have: a program, registration, GitHub's
device flow, an account under another path, an environment for turns."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing import ConnectorSubject, FakeOAuthServer, install_plugin
from xo_cowork_core.sdk.testing.connector_contract import RefusalCases, SignInCases, TurnCases

PROGRAM = """\
#!/bin/sh
echo "Open $OCTO_URL/device and enter the code WDJB-MJHT" >&2
read answer
test "$answer" = "yes" || exit 1
echo "token: key-that-works-0123456789"
"""
SOURCE = """
from pydantic import SecretStr

from xo_cowork_core.sdk import Contributions, Setting, UpstreamFailed, hookimpl
from xo_cowork_core.sdk.connector import (
    Account,
    AuthorizationCode,
    CommandLogin,
    Connector,
    ConnectorInfo,
    DeviceCode,
    OAuthClient,
    OAuthServer,
    ProvidesRawTokens,
    ProvidesTurnEnvironment,
    TokenSet,
    fetch_account,
)


def read_tokens(output):
    if "token: " not in output.stdout:
        raise UpstreamFailed("The program printed no token.")
    return TokenSet(SecretStr(output.stdout.split("token: ")[1].strip()))


class Octo(Connector, ProvidesTurnEnvironment, ProvidesRawTokens):
    def __init__(self, context):
        self.http, self.url = context.http, context.settings["OCTO_URL"]

    def describe(self):
        return ConnectorInfo("octo", "Octo")

    def sign_in_methods(self):
        endpoints = OAuthServer(
            device_authorization_endpoint=f"{self.url}/device_authorization",
            token_endpoint=f"{self.url}/token",
        )
        return [
            CommandLogin(
                argv=["octo-login"],
                url_pattern=r"Open (\\S+)",
                code_pattern=r"code (\\S+)",
                takes_input=True,
                environment={"OCTO_URL": self.url},
                read_tokens=read_tokens,
            ),
            DeviceCode(endpoints, OAuthClient("test-client"), ["repo"]),
            AuthorizationCode(OAuthServer(resource=f"{self.url}/user"), OAuthClient(register=True)),
        ]

    async def identify(self, tokens):
        user = await fetch_account(self.http, f"{self.url}/user", tokens)
        return Account(str(user["id"]), username=user["login"])

    def turn_environment(self, turn, tokens):
        return {"OCTO_HOST": SecretStr(self.url)}

    def raw_token_environment(self, turn, tokens):
        return {"OCTO_TOKEN": tokens.access_token}


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions(settings=[Setting("OCTO_URL", "Address.", kind="url")])

    @hookimpl
    def xo_connectors(self, context):
        return [Octo(context)]


plugin = Plugin()
"""


def use_program(flow: Mapping[str, JsonValue]) -> str:
    """What the person sees of the program, and answers to it."""
    assert str(flow["authorize_url"] or flow["verification_uri"]).endswith("/device")
    assert flow["user_code"] == "WDJB-MJHT"
    return "yes"


class TestOcto(SignInCases, RefusalCases, TurnCases):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectorSubject]:
        folder = install_plugin(tmp_path_factory.mktemp("octo"), "connector_octo", SOURCE)
        program = folder / "octo-login"
        program.write_text(PROGRAM)
        program.chmod(0o755)
        with FakeOAuthServer(
            device_style="github",
            loopback_redirects_only=True,
            sends_issuer=True,
            account_path="/user",
            account={"id": 583231, "login": "octo"},
        ) as provider:
            yield ConnectorSubject(
                "octo",
                provider,
                environment={
                    "OCTO_URL": provider.url,
                    "PATH": os.pathsep.join([str(folder), os.environ["PATH"]]),
                },
                python_path=[Path(folder)],
                plugins="connector_octo",
                other_account={"id": 1, "login": "other"},
                command=use_program,
                turn_environment=["OCTO_HOST"],
                raw_token_environment=["OCTO_TOKEN"],
            )
