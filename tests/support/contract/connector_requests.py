"""One request for each of the contract's operations of connectors, where nobody is signed in."""

from collections.abc import Mapping

from tests.support.contract.plan import Plan

# the outside services can't be reached
UNREACHABLE = (502, 503)
# obviously not those of an app
CLIENT_IDS = {
    "GOOGLE_DRIVE_CLIENT_ID": "contract-client",
    "GOOGLE_DRIVE_CLIENT_SECRET": "contract-secret",
    "ONEDRIVE_CLIENT_ID": "contract-client",
    "GITHUB_CLIENT_ID": "contract-client",
}


def drive_plans(name: str) -> Mapping[str, Plan]:
    """Return the requests of a cloud drive."""
    base = f"/api/connectors/{name}"
    remote = f"{base}/remotes/nobody"
    folder = {"path": "folder"}
    return {
        f"POST {base}/remotes": Plan(
            f"{base}/remotes", {"name": "<number>", "force": True}, (202,)
        ),
        f"DELETE {base}/remotes/{{}}": Plan(remote, status=(404,)),
        f"GET {base}/remotes/{{}}/folders": Plan(f"{remote}/folders", status=(404,)),
        f"POST {base}/remotes/{{}}/mkdir": Plan(f"{remote}/mkdir", folder, (404,)),
        f"POST {base}/remotes/{{}}/rmdir": Plan(f"{remote}/rmdir", folder, (404,)),
        f"POST {base}/remotes/{{}}/upload": Plan(
            f"{remote}/upload?path=&filename=a.txt", status=(404,)
        ),
        f"GET {base}/sessions/{{}}": Plan(f"{base}/sessions/<{name} session>"),
        f"POST {base}/sessions/{{}}/cancel": Plan(f"{base}/sessions/<{name} session>/cancel"),
        f"POST {base}/sessions/{{}}/submit": Plan(
            f"{base}/sessions/<{name} session>/submit", {"code": "?error=access_denied"}, (200, 400)
        ),
    }


def key_plans(name: str) -> Mapping[str, Plan]:
    """Return the requests of a connector that takes keys: the core's own routes."""
    base = f"/api/connectors/{name}"
    return {
        f"POST {base}/token": Plan(
            f"{base}/token", {"token": "obviously-fake-key"}, (400, *UNREACHABLE)
        ),
        f"POST {base}/reconnect": Plan(f"{base}/reconnect", {"force": True}, (202, 503)),
    }


CONNECTOR_PLANS: Mapping[str, Plan] = {
    **drive_plans("gdrive"),
    **drive_plans("onedrive"),
    **key_plans("github"),
    **key_plans("manus"),
    **key_plans("vercel"),
    "POST /api/connectors/github/cli/start": Plan(
        "/api/connectors/github/cli/start", status=UNREACHABLE
    ),
    "POST /api/connectors/github/cli/poll": Plan(
        "/api/connectors/github/cli/poll", {"session_id": "<unknown>"}, (404,)
    ),
    "POST /api/connectors/github/cli/cancel": Plan(
        "/api/connectors/github/cli/cancel", {"session_id": "<unknown>"}, (404,)
    ),
    "GET /api/connectors/vercel/oauth/start": Plan(
        "/api/connectors/vercel/oauth/start", status=UNREACHABLE
    ),
    "POST /api/connectors/vercel/oauth/exchange": Plan(
        "/api/connectors/vercel/oauth/exchange", {"code": "x", "state": "<unknown>"}, (400, 404)
    ),
    "GET /callback": Plan("/callback?code=x&state=y", status=(400,)),
}
