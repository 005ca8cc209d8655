"""An agent with transcripts: at fault, or not yet up, when the host looks for them."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from xo_cowork_core.sdk import Contributions, Done, Runtime, RuntimeInfo, Tokens, hookimpl
from xo_cowork_core.sdk.runtime.history import Message, SessionRecord, TextPart
from xo_cowork_core.sdk.runtime.transcripts import KeepsTranscripts, Transcript

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Lines(Transcript):
    def __init__(self, path):
        self.path = path
        self.texts = []

    def feed(self, lines):
        self.texts += [json.loads(line)["text"] for line in lines]

    def record(self):
        return SessionRecord(self.path.stem, "Lost", None, len(self.texts), NOW, NOW)

    def messages(self):
        return [Message(f"m{n}", "user", (TextPart(t),), NOW) for n, t in enumerate(self.texts)]

    def usage(self):
        return []


class Lost(Runtime, KeepsTranscripts):
    def __init__(self, folder):
        self.folder = folder

    def describe(self):
        return RuntimeInfo(name="lost", title="Lost")

    async def run(self, turn):
        return
        yield

    def fault(self, name):
        if (self.folder / name).exists():
            raise RuntimeError("planted-secret")

    def transcript_folders(self):
        self.fault("no-folders")
        return [self.folder]

    def transcript_id(self, path):
        self.fault("no-names")
        return path.stem if path.suffix == ".jsonl" else None

    def open_transcript(self, path):
        return Lines(path)

    async def sessions(self):
        return []

    async def session(self, session_id):
        await asyncio.sleep(60 if (self.folder / "hangs").exists() else 0)

    async def messages(self, session_id):
        return None


class Spender(Runtime):
    """Its history is the host's, and reports invalid costs."""

    def describe(self):
        return RuntimeInfo(name="spender", title="Spender")

    async def run(self, turn):
        yield Done(tokens=Tokens(input="many"), cost="dear")


class Plugin:
    @hookimpl
    def xo_contributes(self):
        return Contributions()

    @hookimpl
    def xo_runtimes(self, context):
        self.folder = context.paths.home / ".lost"
        return [Lost(self.folder), Spender()]

    @hookimpl
    @asynccontextmanager
    async def xo_lifespan(self, context):
        while (self.folder / "late").exists():
            await asyncio.sleep(0.05)
        yield


plugin = Plugin()
