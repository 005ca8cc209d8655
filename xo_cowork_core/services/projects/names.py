"""From what a person calls a project to its id, the name of its folder."""

import re

from xo_cowork_core.sdk import BadRequest

MOST_CHARACTERS = 64


def project_id(name: str) -> str:
    """Return the id: lower case, `-` for every other run, 64 characters. Raises BadRequest."""
    # cut, then trimmed again: the cut may leave a dash at the end
    found = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:MOST_CHARACTERS].strip("-")
    if not found:
        raise BadRequest("The project's name needs a letter or digit of a-z and 0-9")
    return found


def one_line(text: str, most: int) -> str:
    """Return a text as one line of at most so many characters."""
    return " ".join(text.split())[:most]
