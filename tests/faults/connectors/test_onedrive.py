"""What goes wrong at sign-ins of OneDrive: the state says what to do, and doing it works.

The daemon, uploads and refreshes of all cloud drives are in `test_rclone.py`.
"""

import socket
import threading
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fakes.microsoft_graph import ACCOUNT
from tests.support.connectors.rclone_port import rclone_port
from xo_cowork_core.sdk.testing import Connections

from .drive_world import DriveWorld, MicrosoftVendor

pytestmark = pytest.mark.fault
MANY = 100


def a_person_denies_access(world: DriveWorld) -> None:
    world.oauth.consent = "deny"
    session = world.remotes.sign_in(world.oauth.sign_in)
    assert (session["status"], session["error"]) == ("failed", "Access was denied.")


def a_code_is_pasted_after_it_has_expired(world: DriveWorld) -> None:
    session = world.remotes.begin()
    address = world.oauth.visit(str(session["auth_url"]))
    world.oauth.expire("codes")
    world.remotes.submit(session["session_id"], address)
    ended = world.remotes.wait(session["session_id"])
    assert ended["status"] == "failed"
    assert ended["error"] == "The service no longer accepts this sign-in."


def an_address_of_another_sign_in_is_pasted(world: DriveWorld) -> None:
    earlier = world.remotes.begin()
    address = world.oauth.visit(str(earlier["auth_url"]))
    session = world.remotes.begin(force=True)
    refused = world.remotes.submit(session["session_id"], address)
    assert (refused.status_code, code_of(refused)) == (400, "state_mismatch")
    assert world.remotes.session(earlier["session_id"])["status"] == "cancelled"
    complete(world, session)


def junk_is_pasted(world: DriveWorld) -> None:
    session = world.remotes.begin()
    pastes = {
        "https://onedrive.live.com/": "code_missing",
        "code=4%2Fabc": "state_missing",
        "\n": "code_missing",
        "http://localhost:1/?state=x": "state_mismatch",
    }
    for text, code in pastes.items():
        refused = world.remotes.submit(session["session_id"], text)
        assert (refused.status_code, code_of(refused)) == (400, code), text
        assert world.remotes.session(session["session_id"])["status"] == "awaiting_oauth"
    complete(world, session)


def the_same_address_is_pasted_twice(world: DriveWorld) -> None:
    session = world.remotes.begin()
    address = world.oauth.visit(str(session["auth_url"]))
    assert "%2F" in address
    for _ in range(2):
        assert world.remotes.submit(session["session_id"], address).status_code == 200
    assert world.remotes.wait(session["session_id"])["status"] == "completed"
    assert len(world.oauth.requests("token", grant_type="authorization_code")) == 1


def strangers_call_the_callback_port(world: DriveWorld) -> None:
    session = world.remotes.begin()
    address = urlsplit(world.oauth.visit(str(session["auth_url"])))
    for path in ("/", "/favicon.ico", "/?error=access_denied&state=x", "/?code=x&state=y"):
        answer = httpx.get(f"http://{address.netloc}{path}", timeout=30, trust_env=False)
        assert answer.status_code == 400, path
    assert world.remotes.session(session["session_id"])["status"] == "awaiting_oauth"
    assert httpx.get(address.geturl(), timeout=30, trust_env=False).status_code == 200
    assert world.remotes.wait(session["session_id"])["status"] == "completed"


def a_second_sign_in_is_started(world: DriveWorld) -> None:
    session = world.remotes.begin()
    assert world.remotes.start().status_code == 409
    # another remote has a port of its own
    assert world.remotes.begin("other")["status"] == "awaiting_oauth"
    complete(world, session)


def another_program_has_the_port_of_rclone(world: DriveWorld) -> None:
    with rclone_port() as port, socket.create_server(("127.0.0.1", port)):
        response = world.remotes.start(method="rclone")
    assert (response.status_code, code_of(response)) == (409, "busy")
    assert "Another program uses the port" in response.json()["detail"]["message"]


def a_sign_in_is_cancelled(world: DriveWorld) -> None:
    session = world.remotes.begin()
    address = world.oauth.visit(str(session["auth_url"]))
    path = f"{world.remotes.path}/sessions/{session['session_id']}"
    assert world.remotes.http.post(f"{path}/cancel").json() == {"ok": True}
    assert world.remotes.submit(session["session_id"], address).status_code == 400
    assert world.remotes.session(session["session_id"])["status"] == "cancelled"
    assert world.remotes.rows() == []


def the_server_restarts_while_a_person_signs_in(world: DriveWorld) -> None:
    session = world.remotes.begin()
    address = world.oauth.visit(str(session["auth_url"]))
    world.server.restart()
    # the same port listens again
    assert httpx.get(address, timeout=30, trust_env=False).status_code == 200
    assert world.remotes.wait(session["session_id"])["status"] == "completed"


def the_server_is_killed_while_it_exchanges_the_code(world: DriveWorld) -> None:
    session = world.remotes.begin()
    address = world.oauth.visit(str(session["auth_url"]))
    with world.oauth.hold("token") as hold:
        submitting = threading.Thread(target=submit, args=(world, session, address))
        submitting.start()
        hold.wait()
        world.server.kill()
    submitting.join()
    world.server.start()
    waiting = world.remotes.wait(session["session_id"], frozenset({"awaiting_oauth"}))
    assert waiting["status"] == "awaiting_oauth"
    assert waiting["error"]
    world.oauth.sign_in(str(waiting["auth_url"]))
    assert world.remotes.wait(session["session_id"])["status"] == "completed"


def microsoft_is_overloaded_at_the_exchange(world: DriveWorld) -> None:
    session = world.remotes.begin()
    world.oauth.fault("token", 503)
    address = world.oauth.visit(str(session["auth_url"]))
    world.remotes.submit(session["session_id"], address)
    waiting = world.remotes.wait(session["session_id"], frozenset({"awaiting_oauth"}))
    assert (waiting["status"], bool(waiting["error"])) == ("awaiting_oauth", True)
    # nothing has taken the code
    world.remotes.submit(session["session_id"], address)
    assert world.remotes.wait(session["session_id"])["status"] == "completed"


def microsoft_limits_requests_for_the_account(world: DriveWorld) -> None:
    session = world.remotes.begin()
    world.oauth.fault("userinfo", 429, headers={"Retry-After": "1"})
    world.oauth.sign_in(str(session["auth_url"]))
    assert world.remotes.wait(session["session_id"])["status"] == "completed"


def microsoft_is_overloaded_at_a_refresh(world: DriveWorld) -> None:
    world.sign_in()
    world.oauth.expire()
    world.oauth.fault("token", 503, times=MANY)
    response = world.remotes.get("folders", path="")
    assert response.status_code == 503, response.text
    row = world.remotes.row()
    assert (row["status"], row["detail"]["state"]) == ("connected", "degraded")
    assert row["detail"]["reason"]
    world.oauth.clear()
    world.server.restart()
    assert world.remotes.folders() == []


def an_account_has_no_drive(world: DriveWorld) -> None:
    microsoft_of(world).fake.drives.clear()
    session = world.remotes.sign_in(world.oauth.sign_in)
    assert session["status"] == "failed"
    assert "has no OneDrive. Sign in with an account that has one." in str(session["error"])


def another_account_signs_in_to_a_remote(world: DriveWorld) -> None:
    world.sign_in()
    before = world.remotes.row()
    world.oauth.set_account({**ACCOUNT, "id": "another", "mail": "other@example.test"})
    session = world.remotes.sign_in(world.oauth.sign_in)
    assert session["status"] == "failed"
    assert "octo@example.test" in str(session["error"])
    assert world.remotes.row() == before
    assert world.remotes.folders() == []


def a_device_is_denied(world: DriveWorld) -> None:
    flow = Connections(world.server, "onedrive").connect(method="device_code", connection="work")
    world.oauth.deny(str(flow["user_code"]))
    ended = Connections(world.server, "onedrive").wait(flow["flow_id"])
    assert (ended["state"], ended["error"]["code"]) == ("failed", "access_denied")


SCENARIOS: Sequence[Callable[[DriveWorld], None]] = (
    a_person_denies_access,
    a_code_is_pasted_after_it_has_expired,
    an_address_of_another_sign_in_is_pasted,
    junk_is_pasted,
    the_same_address_is_pasted_twice,
    strangers_call_the_callback_port,
    a_second_sign_in_is_started,
    another_program_has_the_port_of_rclone,
    a_sign_in_is_cancelled,
    the_server_restarts_while_a_person_signs_in,
    the_server_is_killed_while_it_exchanges_the_code,
    microsoft_is_overloaded_at_the_exchange,
    microsoft_limits_requests_for_the_account,
    microsoft_is_overloaded_at_a_refresh,
    an_account_has_no_drive,
    another_account_signs_in_to_a_remote,
    a_device_is_denied,
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_sign_in_goes_wrong(onedrive: DriveWorld, scenario: Callable[[DriveWorld], None]) -> None:
    scenario(onedrive)
    # what a person does next works
    onedrive.vendor.reset()
    onedrive.oauth.consent = "approve"
    onedrive.oauth.set_account(ACCOUNT)
    onedrive.vendor.make_folder("Documents")
    session = onedrive.remotes.sign_in(onedrive.oauth.sign_in, force=True)
    assert session["status"] == "completed", session
    assert onedrive.remotes.folders() == ["Documents"]
    onedrive.network.check()


def complete(world: DriveWorld, session: dict[str, object]) -> None:
    """Do at a sign-in that is open what the person should have done."""
    world.oauth.sign_in(str(session["auth_url"]))
    assert world.remotes.wait(session["session_id"])["status"] == "completed"


def submit(world: DriveWorld, session: dict[str, object], address: str) -> None:
    try:
        world.remotes.submit(session["session_id"], address)
    except httpx.HTTPError:
        return


def code_of(response: httpx.Response) -> str:
    return str(response.json()["detail"]["code"])


def microsoft_of(world: DriveWorld) -> MicrosoftVendor:
    assert isinstance(world.vendor, MicrosoftVendor)
    return world.vendor
