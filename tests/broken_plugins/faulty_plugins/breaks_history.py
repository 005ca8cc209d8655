"""Two agents with stores: one's files and the other's rows hold a session that can't be read."""

import json
from datetime import UTC, datetime
from pathlib import Path

from xo_cowork_core.sdk import Contributions, KeepsHistory, Runtime, RuntimeInfo, hookimpl
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord, TextPart
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts, Transcript

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def record(session_id, count=1):
    return SessionRecord(session_id, f"Title of {session_id}", None, count, NOW, NOW)


def message(text):
    return Message("m1", "user", (TextPart(text),), NOW)


def fall(how):
    raise SystemExit("planted-secret") if how == "leave" else RuntimeError("planted-secret")


class Lines(Transcript):
    def __init__(self, path):
        self.path = path
        self.lines = []

    def feed(self, lines):
        self.lines += [json.loads(line) for line in lines]

    def record(self):
        return record(self.path.stem, len(self.lines)) if self.lines else None

    def messages(self):
        for line in self.lines:
            if line.get("fault"):
                fall(line["fault"])
        return [message(line["text"]) for line in self.lines]

    def usage(self):
        return []


class Torn(Runtime, KeepsTranscripts):
    def __init__(self, folder: Path):
        self.folder = folder

    def describe(self):
        return RuntimeInfo(name="torn", title="Torn")

    async def run(self, turn):
        return
        yield

    def transcript_folders(self):
        return [self.folder]

    def transcript_id(self, path):
        return path.stem if path.suffix == ".jsonl" else None

    def open_transcript(self, path):
        return Lines(path)

    async def session(self, session_id):
        return record(session_id) if (self.folder / f"{session_id}.jsonl").exists() else None

    async def messages(self, session_id):
        fall((self.folder / "fault").read_text())


class Sour(Runtime, KeepsHistory):
    """The session that can't be read is the newest, so that it is asked for first."""

    def describe(self):
        return RuntimeInfo(name="sour", title="Sour")

    async def run(self, turn):
        return
        yield

    async def sessions(self):
        names = ("sour-raise", "sour-leave", "sour-late", "sour-sound")
        return [record(name) for name in names]

    async def session(self, session_id):
        return record(session_id) if session_id.startswith("sour-") else None

    async def messages(self, session_id):
        if session_id == "sour-late":
            # a time without an offset is none
            return [Message("m1", "user", (TextPart("x"),), datetime(2026, 1, 2))]
        if session_id != "sour-sound":
            fall(session_id.removeprefix("sour-"))
        return [message("sound")]


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions()

    @hookimpl
    def xo_runtimes(self, context):
        return [Torn(context.paths.home / ".torn"), Sour()]


plugin = Plugin()
