"""A connector: people sign in to Acme in the browser, with a code, or with a key."""

from collections.abc import Sequence

from xo_cowork_core.sdk import Contributions, HostContext, Setting, connector, hookimpl

URL = Setting("ACME_URL", "Address of Acme.", "https://acme.example", kind="url")
CLIENT_ID = Setting("ACME_CLIENT_ID", "Id of the OAuth client that is registered at Acme.")


class Acme(connector.Connector):
    def __init__(self, context: HostContext) -> None:
        self._context, self._url = context, context.settings[URL.name]

    def describe(self) -> connector.ConnectorInfo:
        return connector.ConnectorInfo("acme", title="Acme")

    def sign_in_methods(self) -> Sequence[connector.SignInMethod]:
        server = connector.OAuthServer(issuer=self._url)
        client = connector.OAuthClient(self._context.settings[CLIENT_ID.name])
        return [
            connector.AuthorizationCode(server, client, ["profile"], public_redirect=True),
            connector.DeviceCode(server, client, ["profile"]),
            connector.ApiKey(help=f"Create one at {self._url}/keys"),
        ]

    async def identify(self, tokens: connector.TokenSet) -> connector.Account:
        url = f"{self._url}/userinfo"
        user = await connector.fetch_account(self._context.http, url, tokens)
        return connector.Account(id=str(user["sub"]), name=str(user.get("name", "")))


class AcmePlugin:
    @hookimpl
    def xo_contributes(self) -> Contributions:
        return Contributions(settings=[URL, CLIENT_ID])

    @hookimpl
    def xo_connectors(self, context: HostContext) -> Sequence[connector.Connector]:
        return [Acme(context)]


plugin = AcmePlugin()
