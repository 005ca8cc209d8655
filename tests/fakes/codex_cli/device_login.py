"""The device login of the fake: the issuer's protocol, and where Codex keeps its tokens.

`$HOME/codex-login.json` may have `app_server: false` (an app-server that does not sign in), `end`
(the program ends after this many seconds) and `child` (a program that it leaves behind).
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

PENDING = 403
HOME = Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")
ISSUER = "CODEX_APP_SERVER_LOGIN_ISSUER"


class LoginFailed(Exception):
    """The issuer refused; the text is that of the real program."""


def options():
    try:
        return json.loads((Path.home() / "codex-login.json").read_text())
    except FileNotFoundError:
        return {}


def request_code(issuer):
    if options().get("child"):
        subprocess.Popen(["sleep", "3600"], start_new_session=True)
    if "end" in options():
        threading.Timer(options()["end"], os._exit, (1,)).start()
    return _post(f"{issuer}/api/accounts/deviceauth/usercode", {"client_id": "fake"})


def wait_for_tokens(issuer, code):
    named = {"device_auth_id": code["device_auth_id"], "user_code": code["user_code"]}
    while True:
        try:
            _post(f"{issuer}/api/accounts/deviceauth/token", named)
            break
        except LoginFailed as failure:
            if f"status {PENDING}" not in str(failure):
                raise
        time.sleep(0.1)
    granted = _post(f"{issuer}/oauth/token", {"grant_type": "authorization_code"})
    stored = {"auth_mode": "chatgpt", "tokens": {**granted, "account_id": "acct_fake"}}
    HOME.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(HOME / "auth.json", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump(stored, file)


def log_in(words):
    """`codex login --device-auth [--experimental_issuer URL]`."""
    issuer = words[words.index("--experimental_issuer") + 1]
    try:
        code = request_code(issuer)
        print("1. Open this link in your browser and sign in to your account")
        print(f"   \x1b[94m{issuer}/codex/device\x1b[0m\n")
        print("2. Enter this one-time code \x1b[90m(expires in 15 minutes)\x1b[0m")
        print(f"   \x1b[94m{code['user_code']}\x1b[0m\n", flush=True)
        wait_for_tokens(issuer, code)
    except LoginFailed as failure:
        print(f"Error logging in with device code: {failure}", file=sys.stderr)
        return 1
    print("Successfully logged in")
    return 0


def _post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise LoginFailed(f"device auth failed with status {error.code}") from None
    except OSError:
        raise LoginFailed(f"error sending request for url ({url})") from None
