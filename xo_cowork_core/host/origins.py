"""Host names and origins, in the form in which two of them are compared."""

import ipaddress
from urllib.parse import urlsplit


def host_name(text: str) -> str:
    """Take the bare name out of a Host header: no port, brackets, trailing dot or capitals."""
    text = text.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    if text.count(":") > 1:
        return text
    return text.partition(":")[0].removesuffix(".")


def normal_origin(text: str) -> str:
    """Bring an origin into the form in which two are compared; "" for what is none."""
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError:
        return ""
    if not parts.scheme or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        return ""
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.removesuffix(".")
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{name}" + (f":{port}" if port and port != standard else "")


def is_loopback(name: str) -> bool:
    """Say whether a host name is this machine itself."""
    if name.removesuffix(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
