"""Normal forms of host names and origins, for comparison."""

import ipaddress
import re

MAX_PORT = 65_535
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
# nothing before the name and nothing after the port: `localhost@evil.example` is no host
HOST = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s\[\]:/?#@\\]*[^\s\[\]:/?#@\\.])\.?)"
    r"(?::(?P<port>[0-9]{0,5}))?"
)


def host_name(text: str) -> str:
    """Return the name in a Host header without port, brackets, trailing dot and capitals; "" for
    an invalid header."""
    text = text.strip().lower()
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    return _split(text)[0]


def normal_origin(text: str) -> str:
    """Return an origin in lower case and without its default port; "" for an invalid one."""
    scheme, _, authority = text.strip().lower().partition("://")
    host, port = _split(authority.removesuffix("/"))
    if not host or not SCHEME.fullmatch(scheme) or port > MAX_PORT:
        return ""
    name = f"[{host}]" if ":" in host else host
    default_port = {"http": 80, "https": 443}.get(scheme)
    return f"{scheme}://{name}" + (f":{port}" if port and port != default_port else "")


def _split(authority: str) -> tuple[str, int]:
    """Split a host from its port, 0 where there is none; "" for an invalid authority."""
    match = HOST.fullmatch(authority)
    if match is None:
        return "", 0
    if address := match["address"]:
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            return "", 0
    return address or match["name"], int(match["port"] or 0)


def is_loopback(name: str) -> bool:
    """Return whether a host name always means this machine."""
    if name.removesuffix(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
