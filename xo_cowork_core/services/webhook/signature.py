"""Signatures of the Standard Webhooks specification, so that receivers' libraries verify them."""

import base64
import binascii
import hashlib
import hmac

from pydantic import SecretStr

SECRET_PREFIX = "whsec_"  # noqa: S105  # of the specification


def sign(secret: SecretStr, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`."""
    content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    digest = hmac.new(_key_of(secret), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key_of(secret: SecretStr) -> bytes:
    """Return the bytes of a secret: after `whsec_` they are in base64, else the text itself."""
    text = secret.get_secret_value()
    if not text.startswith(SECRET_PREFIX):
        return text.encode()
    encoded = text.removeprefix(SECRET_PREFIX).rstrip("=")
    encoded += "=" * (-len(encoded) % 4)
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return text.encode()
