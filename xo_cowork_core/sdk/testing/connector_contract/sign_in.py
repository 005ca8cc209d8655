"""Cases: a person signs in by each of the declared methods."""

from typing import cast
from urllib.parse import parse_qs, urlsplit

from xo_cowork_core.sdk.testing.connector_contract.cases import Cases, SignInPerson
from xo_cowork_core.sdk.testing.frames import Body


class SignInCases(Cases):
    """The methods, and the account that they lead to."""

    def test_the_connector_and_its_methods_are_described(self, person: SignInPerson) -> None:
        row = person.connections.row()
        assert row["title"]
        methods = cast("list[Body]", row["methods"])
        assert methods, "the connector has no way to sign in"
        assert all(method["title"] for method in methods)
        ids = [method["id"] for method in methods]
        assert len(ids) == len(set(ids)), f"two methods have the same id: {ids}"
        assert person.connections.row() == row, "the description changes by itself"

    def test_a_person_signs_in_with_the_browser(self, person: SignInPerson) -> None:
        for method in person.methods("authorization_code"):
            flow = person.start(method)
            query = parse_qs(urlsplit(person.authorize_url(flow)).query)
            assert query["code_challenge_method"] == ["S256"]
            assert query["state"]
            self._check_account(person, person.finish(flow))

    def test_a_person_pastes_the_address(self, person: SignInPerson) -> None:
        for method in person.methods("authorization_code"):
            flow = person.connections.connect(method=method["id"], redirect="paste")
            address = person.provider.visit(person.authorize_url(flow))
            person.connections.submit(flow["flow_id"], address)
            self._check_account(person, person.connections.wait(flow["flow_id"]))

    def test_a_person_enters_a_device_code(self, person: SignInPerson) -> None:
        for method in person.methods("device_code"):
            flow = person.start(method)
            assert str(flow["verification_uri"]).startswith(person.provider.url)
            self._check_account(person, person.finish(flow))

    def test_a_person_pastes_a_key(self, person: SignInPerson) -> None:
        for method in person.methods("api_key"):
            self._check_account(person, person.finish(person.start(method)))

    def test_a_person_signs_in_with_the_program(self, person: SignInPerson) -> None:
        for method in person.methods("command"):
            self._check_account(person, person.finish(person.start(method)))

    def test_each_sign_in_leads_to_the_same_account(self, person: SignInPerson) -> None:
        ids = {self._account_id(person.sign_in(method)) for method in person.methods()}
        ids.add(self._account_id(person.sign_in()))
        assert len(ids) == 1, f"one account has several ids: {ids}"

    def _check_account(self, person: SignInPerson, flow: Body) -> None:
        assert flow["state"] == "completed", flow
        assert person.provider.requests("userinfo"), "the sign-in did not ask for the account"
        status = person.connections.status()
        assert status["connected"]
        assert status["auth_method"] == flow["method"]
        assert cast("Body", flow["account"])["id"] == self._account_id(status)
        person.connections.disconnect()

    def _account_id(self, status: Body) -> str:
        account_id = cast("Body", status["user"])["id"]
        assert account_id, "the account has no id: a reconnection can't tell it from another"
        return str(account_id)
