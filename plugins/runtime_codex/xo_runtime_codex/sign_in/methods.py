"""The ways to sign in to Codex."""

from collections.abc import Sequence

from xo_cowork_core.sdk import HostContext
from xo_cowork_core.sdk.connector import AgentLogin, SignInMethod
from xo_runtime_codex.options import Options
from xo_runtime_codex.sign_in.device_login import DeviceLogin

DEVICE_CODE = "device_code"
INSTALL = "install"
INSTALL_SECONDS = 900.0


def sign_in_methods(context: HostContext, options: Options) -> Sequence[SignInMethod]:
    """Return the device code, and the same after an installation."""
    login = DeviceLogin(context, options)
    return [
        AgentLogin(login.run, id=DEVICE_CODE, title="Sign in with ChatGPT"),
        AgentLogin(
            login.install_and_run,
            start_seconds=INSTALL_SECONDS,
            id=INSTALL,
            title="Install Codex and sign in with ChatGPT",
        ),
    ]
