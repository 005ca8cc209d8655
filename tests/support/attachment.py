"""The context that frontends append to a prompt, and a small image to attach."""

import base64

CONTEXT = "\n\n---\n\n> **Project context**\n> facts"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5E"
    "rkJggg=="
)
