"""Skills of the fake: read once, and again when the host requests it."""

from pathlib import Path


class Skills:
    """The texts that replace `/name words`."""

    def __init__(self, stdin):
        self._stdin = stdin
        self._texts = {}
        self._load()

    def expand(self, text):
        """Replace a skill's name by its text."""
        if self._stdin.reload_skills:
            self._stdin.reload_skills = False
            self._load()
        name, _, words = text.removeprefix("/").partition(" ")
        if not text.startswith("/") or name not in self._texts:
            return text
        return self._texts[name].replace("$ARGUMENTS", words)

    def _load(self):
        files = Path.cwd().glob(".claude/skills/*/SKILL.md")
        self._texts = {file.parent.name: file.read_text() for file in files}
