"""`FakeOAuthServer`, an authorization server on the loopback for tests of sign-ins.

It is strict where real servers are: PKCE, single use of codes, rotation of refresh tokens with
reuse detection, polling intervals. RFC numbers in the modules name what is implemented.
"""

from xo_cowork_core.sdk.testing.oauth_server.exchanges import Endpoint, Hold, OAuthRequest
from xo_cowork_core.sdk.testing.oauth_server.front_channel import Consent
from xo_cowork_core.sdk.testing.oauth_server.grants import DeviceStyle, IssuedTokens, Lifetimes
from xo_cowork_core.sdk.testing.oauth_server.server import FakeOAuthServer

__all__ = [
    "Consent",
    "DeviceStyle",
    "Endpoint",
    "FakeOAuthServer",
    "Hold",
    "IssuedTokens",
    "Lifetimes",
    "OAuthRequest",
]
