"""Cases: a person signs in by each of the declared methods."""

from typing import cast
from urllib.parse import parse_qs, urlsplit

from xo_cowork_core.sdk.testing.connector_contract.cases import Cases, ResourceOwner
from xo_cowork_core.sdk.testing.frames import Body


class SignInCases(Cases):
    """The methods, and the account that they lead to."""

    def test_the_connector_and_its_methods_are_described(self, owner: ResourceOwner) -> None:
        row = owner.connections.row()
        assert row["title"]
        methods = cast("list[Body]", row["methods"])
        assert methods, "the connector has no way to sign in"
        assert all(method["title"] for method in methods)
        assert owner.connections.row() == row, "the description changes by itself"

    def test_a_person_signs_in_with_the_browser(self, owner: ResourceOwner) -> None:
        for method in owner.methods("authorization_code"):
            flow = owner.start(method)
            query = parse_qs(urlsplit(owner.authorize_url(flow)).query)
            assert query["code_challenge_method"] == ["S256"]
            assert query["state"]
            self._check_account(owner, owner.finish(flow))

    def test_a_person_pastes_the_address(self, owner: ResourceOwner) -> None:
        for method in owner.methods("authorization_code"):
            flow = owner.connections.connect(method=method["id"], redirect="paste")
            address = owner.provider.visit(owner.authorize_url(flow))
            owner.connections.submit(flow["flow_id"], address)
            self._check_account(owner, owner.connections.wait(flow["flow_id"]))

    def test_a_person_enters_a_device_code(self, owner: ResourceOwner) -> None:
        for method in owner.methods("device_code"):
            flow = owner.start(method)
            assert str(flow["verification_uri"]).startswith(owner.provider.address)
            self._check_account(owner, owner.finish(flow))

    def test_a_person_pastes_a_key(self, owner: ResourceOwner) -> None:
        for method in owner.methods("api_key"):
            self._check_account(owner, owner.finish(owner.start(method)))

    def test_a_person_signs_in_with_the_program(self, owner: ResourceOwner) -> None:
        for method in owner.methods("command"):
            self._check_account(owner, owner.finish(owner.start(method)))

    def test_each_sign_in_leads_to_the_same_account(self, owner: ResourceOwner) -> None:
        ids = {self._account_id(owner.sign_in(method)) for method in owner.methods()}
        ids.add(self._account_id(owner.sign_in()))
        assert len(ids) == 1, f"one account has several ids: {ids}"

    def _check_account(self, owner: ResourceOwner, flow: Body) -> None:
        assert flow["state"] == "completed", flow
        assert owner.provider.requests("userinfo"), "the sign-in did not ask for the account"
        status = owner.connections.status()
        assert status["connected"]
        assert status["auth_method"] == flow["method"]
        assert cast("Body", flow["account"])["id"] == self._account_id(status)
        owner.connections.disconnect()

    def _account_id(self, status: Body) -> str:
        account_id = cast("Body", status["user"])["id"]
        assert account_id, "the account has no id: a reconnection can't tell it from another"
        return str(account_id)
