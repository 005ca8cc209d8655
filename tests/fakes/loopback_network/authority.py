"""The certificate authority of one network, which nothing else trusts."""

import ssl
from collections.abc import Iterable
from pathlib import Path

import trustme


def create_authority(folder: Path, hosts: Iterable[str]) -> tuple[Path, ssl.SSLContext]:
    """Write the authority's certificate into `folder`; return it and the hosts' server context."""
    authority = trustme.CA()
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # git and Go would choose HTTP/2, which uvicorn does not speak
    context.set_alpn_protocols(["http/1.1"])
    authority.issue_cert(*hosts).configure_cert(context)
    return path, context
