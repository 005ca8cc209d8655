"""A runtime whose agents, channels, models and skills are faulty."""

from pathlib import Path

from xo_cowork_core.sdk import (
    ListsModels,
    Model,
    OffersSkills,
    Runtime,
    RuntimeInfo,
    Skill,
    hookimpl,
)
from xo_cowork_core.sdk.runtime.agents import HasChannels, KeepsAgents


class Clerk(Runtime, KeepsAgents, HasChannels, ListsModels, OffersSkills):
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

    async def models(self):
        raise RuntimeError("planted-secret-text")

    async def skills(self, cwd):
        raise SystemExit(3)


class Deputy(Runtime, ListsModels, OffersSkills):
    def describe(self):
        return RuntimeInfo(name="deputy", title="Deputy")

    async def run(self, turn):
        return
        yield

    async def models(self):
        return [Model("m", "M", "deputy")]

    async def skills(self, cwd):
        return [Skill("stamp", "Stamps.", Path("/skills/stamp"))]


class Plugin:
    @hookimpl
    def xo_runtimes(self, context):
        return [Clerk(), Deputy()]


plugin = Plugin()
