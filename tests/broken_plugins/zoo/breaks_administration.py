"""A runtime whose agents and channels are faulty."""

from xo_cowork_core.sdk import (
    HasChannels,
    KeepsAgents,
    Runtime,
    RuntimeInfo,
    hookimpl,
)


class Clerk(Runtime, KeepsAgents, HasChannels):
    agent_fields = frozenset({"name"})

    def describe(self):
        return RuntimeInfo(name="clerk", title="Clerk")

    async def run(self, turn):
        return
        yield

    async def agents(self):
        raise RuntimeError("planted-secret-text")

    async def save_agent(self, agent_id, fields):
        raise SystemExit(3)

    async def delete_agent(self, agent_id):
        raise SystemExit(3)

    async def channels(self):
        raise RuntimeError("planted-secret-text")

    async def add_channel(self, channel, tokens):
        raise SystemExit(3)


class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [Clerk()]


plugin = Plugin()
