"""Host names and origins, in the form in which two of them are compared."""

import ipaddress
import re

MOST_PORT = 65_535
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
# nothing before the name and nothing behind the port: `localhost@evil.example` is no host
HOST = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s\[\]:/?#@\\]*[^\s\[\]:/?#@\\.])\.?)"
    r"(?::(?P<port>[0-9]{0,5}))?"
)


def host_name(text: str) -> str:
    """Take the bare name out of a Host header: no port, brackets, trailing dot or capitals; ""
    for what is no name with a port."""
    text = text.strip().lower()
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    return _split(text)[0]


def normal_origin(text: str) -> str:
    """Bring an origin into the form in which two are compared; "" for what is none."""
    scheme, _, place = text.strip().lower().partition("://")
    host, port = _split(place.removesuffix("/"))
    if not host or not SCHEME.fullmatch(scheme) or port > MOST_PORT:
        return ""
    name = f"[{host}]" if ":" in host else host
    standard = {"http": 80, "https": 443}.get(scheme)
    return f"{scheme}://{name}" + (f":{port}" if port and port != standard else "")


def _split(place: str) -> tuple[str, int]:
    """Split a host from its port; "" for what is no such pair."""
    found = HOST.fullmatch(place)
    if found is None:
        return "", 0
    if address := found["address"]:
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            return "", 0
    return address or found["name"], int(found["port"] or 0)


def is_loopback(name: str) -> bool:
    """Say whether a host name is this machine itself."""
    if name.removesuffix(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
