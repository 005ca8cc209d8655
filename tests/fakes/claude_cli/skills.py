"""Skills of the stand-in: looked up once, and again when the host says so."""

from pathlib import Path


class Skills:
    """What `/name words` stands for."""

    def __init__(self, inbox):
        self._inbox = inbox
        self._texts = {}
        self._look()

    def expand(self, text):
        """Put a skill's text in the place of its name."""
        if self._inbox.reload_skills:
            self._inbox.reload_skills = False
            self._look()
        name, _, words = text.removeprefix("/").partition(" ")
        if not text.startswith("/") or name not in self._texts:
            return text
        return self._texts[name].replace("$ARGUMENTS", words)

    def _look(self):
        files = Path.cwd().glob(".claude/skills/*/SKILL.md")
        self._texts = {file.parent.name: file.read_text() for file in files}
