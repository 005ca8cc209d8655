"""Finds URL and code in what `codex login --device-auth` prints, colours included."""

import re
from collections.abc import Sequence

from xo_cowork_core.sdk.connector import SignInDialog

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
URL = re.compile(r"https?://\S+/codex/device\S*")
CODE = re.compile(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4,8})\s*$", re.MULTILINE)


class LoginOutput:
    """The lines so far; the prompt is shown once both of its parts are there."""

    def __init__(self, dialog: SignInDialog, code_seconds: float) -> None:
        self.text = ""
        self.is_prompted = False
        self._dialog = dialog
        self._code_seconds = code_seconds

    def add(self, lines: Sequence[bytes]) -> None:
        """Take lines of stdout."""
        for line in lines:
            text = COLOUR.sub("", line.decode("utf-8", "replace"))
            self.text += text + "\n"
            if text.strip():
                self._dialog.print("stdout", text)
        url, code = URL.search(self.text), CODE.search(self.text)
        if url and code and not self.is_prompted:
            self.is_prompted = True
            self._dialog.prompt(url.group(), code[1], expires_in=self._code_seconds)
