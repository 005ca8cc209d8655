"""`ConnectorContract`, the tests that every connector must pass; a module has a group of cases."""

from xo_cowork_core.sdk.testing.connector_contract.cases import Cases
from xo_cowork_core.sdk.testing.connector_contract.refusals import RefusalCases
from xo_cowork_core.sdk.testing.connector_contract.restarts import RestartCases
from xo_cowork_core.sdk.testing.connector_contract.secrecy import SecrecyCases
from xo_cowork_core.sdk.testing.connector_contract.sign_in import SignInCases
from xo_cowork_core.sdk.testing.connector_contract.tokens import TokenCases
from xo_cowork_core.sdk.testing.connector_contract.turns import TurnCases


class ConnectorContract(
    SignInCases, RefusalCases, TokenCases, RestartCases, SecrecyCases, TurnCases
):
    """All test cases. Subclass it as `TestMine` with one fixture, `subject`:

        class TestMine(ConnectorContract):
            @pytest.fixture(scope="class")
            @classmethod
            def subject(cls):
                with FakeOAuthServer() as provider:
                    yield ConnectorSubject("mine", provider, {"MINE_URL": provider.url})

    One server runs for the class; all cases use HTTP. A case that a connector can't have, such as
    device codes, is skipped, and the reasons are listed at the end.
    """


__all__ = [
    "Cases",
    "ConnectorContract",
    "RefusalCases",
    "RestartCases",
    "SecrecyCases",
    "SignInCases",
    "TokenCases",
    "TurnCases",
]
