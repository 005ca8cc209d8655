"""Cases: the person, the provider or the time end a sign-in."""

from collections.abc import Mapping

from xo_cowork_core.sdk.events.base import JsonValue
from xo_cowork_core.sdk.testing.connector_contract.cases import (
    OAUTH_KINDS,
    Cases,
    SignInPerson,
)
from xo_cowork_core.sdk.testing.contract.skips import skip_without

MANY = 50


class RefusalCases(Cases):
    """Sign-ins after which nobody may be signed in."""

    def test_a_person_refuses_consent(self, person: SignInPerson) -> None:
        for method in person.methods("authorization_code"):
            flow = person.start(method)
            person.provider.consent = "deny"
            person.expect_refusal(person.finish(flow), "access_denied")
            person.provider.consent = "approve"

    def test_a_person_refuses_a_device(self, person: SignInPerson) -> None:
        for method in person.methods("device_code"):
            flow = person.start(method)
            person.provider.deny(str(flow["user_code"]))
            ended = person.connections.wait(flow["flow_id"])
            person.expect_refusal(ended, "access_denied")

    def test_a_device_code_expires(self, person: SignInPerson) -> None:
        for method in person.methods("device_code"):
            flow = person.start(method)
            person.provider.expire("devices")
            ended = person.connections.wait(flow["flow_id"])
            person.expect_refusal(ended, "expired_token")

    def test_a_refused_key_signs_nobody_in(self, person: SignInPerson) -> None:
        for method in person.methods("api_key"):
            key = person.subject.refused_key
            flow = person.connections.connect(method=method["id"], input=key)
            assert flow["state"] != "completed", "`identify` accepts a key that the service refuses"
            assert person.connections.status()["status"] == "needs_auth"
            person.connections.cancel(flow["flow_id"])

    def test_tokens_that_the_service_refuses_sign_nobody_in(self, person: SignInPerson) -> None:
        for method in person.methods(*OAUTH_KINDS):
            flow = person.start(method)
            person.provider.fault("userinfo", 401, {"error": "invalid_token"}, times=MANY)
            ended = person.finish(flow)
            assert ended["state"] == "failed", "`identify` accepts tokens that the service refuses"
            assert person.connections.status()["status"] == "needs_auth"
            person.provider.clear()

    def test_another_account_is_refused_at_a_reconnection(self, person: SignInPerson) -> None:
        method = person.methods(*OAUTH_KINDS)[0]
        before = person.sign_in(method)["user"]
        other = person.subject.other_account or self._other_account(person)
        person.provider.set_account(other)
        flow = person.connections.reconnect(method=method["id"])
        ended = person.finish(flow)
        assert ended["state"] == "failed", f"another account has taken the place of {before}"
        assert ended["error"] == {**_mapping(ended["error"]), "code": "account_mismatch"}
        status = person.connections.status()
        assert (status["status"], status["user"]) == ("connected", before)

    def _other_account(self, person: SignInPerson) -> Mapping[str, JsonValue]:
        account = person.provider.options.account
        if "sub" not in account:
            skip_without("other account")
        return {**account, "sub": f"{account['sub']}-other"}


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    assert isinstance(value, Mapping), value
    return value
