"""Makes the services of one app, each once, from what it needs."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from xo_cowork_core import __version__
from xo_cowork_core.api.dependencies import Services
from xo_cowork_core.api.streaming.frame_cache import FrameCache
from xo_cowork_core.host.metrics import samplers
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.eventlog.log import EventLog
from xo_cowork_core.services.files.files import Files
from xo_cowork_core.services.files.private import private_places
from xo_cowork_core.services.files.workspace import Workspace
from xo_cowork_core.services.history.host_history import HostHistory
from xo_cowork_core.services.history.hosted_sessions import HostedSessions
from xo_cowork_core.services.idempotency import Idempotency
from xo_cowork_core.services.index import schema as index_schema
from xo_cowork_core.services.index.index import Index
from xo_cowork_core.services.index.indexer import Indexer
from xo_cowork_core.services.index.refresher import IndexRefresher
from xo_cowork_core.services.index.runtime_store_source import RuntimeStoreSource
from xo_cowork_core.services.processes import ProcessSupervisor
from xo_cowork_core.services.projects.memory import WorkspaceMemory
from xo_cowork_core.services.projects.project_files import ProjectFiles
from xo_cowork_core.services.projects.project_stats import ProjectStats
from xo_cowork_core.services.projects.projects import Projects
from xo_cowork_core.services.projects.recorder import ProjectRecorder
from xo_cowork_core.services.projects.roots import Roots
from xo_cowork_core.services.runtimes.agents import Agents
from xo_cowork_core.services.runtimes.gateways import Gateways
from xo_cowork_core.services.runtimes.models import Models
from xo_cowork_core.services.runtimes.readiness import Readiness
from xo_cowork_core.services.runtimes.registry import Registry
from xo_cowork_core.services.runtimes.selector import RuntimeSelector
from xo_cowork_core.services.runtimes.skills import Skills
from xo_cowork_core.services.sessions.changes import SessionChanges
from xo_cowork_core.services.sessions.host_session_source import HostSessionSource
from xo_cowork_core.services.sessions.sessions import Sessions
from xo_cowork_core.services.sessions.trash import Trash
from xo_cowork_core.services.turns.legacy_chat import LegacyChat
from xo_cowork_core.services.turns.resolver import TurnResolver
from xo_cowork_core.services.turns.session_reservations import SessionReservations
from xo_cowork_core.services.turns.turns import Turns
from xo_cowork_core.services.usage.prices import Prices
from xo_cowork_core.services.usage.report import UsageReports
from xo_cowork_core.storage.database import Database
from xo_cowork_core.storage.state_schema import DURABLE_TABLES, STEPS


class ServicesBuilder:
    """One app's services while they are put together. Makes them; reads and starts nothing.

    `run_dir` keeps the list of processes elsewhere, for a look beside a running server.
    """

    def __init__(self, settings: Settings, run_dir: Path | None = None) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.registry = Registry()
        self.readiness = Readiness(self.clock)
        self.database = Database(
            settings.state_dir / "state.db", STEPS, durable_tables=DURABLE_TABLES
        )
        self.processes = ProcessSupervisor(run_dir or settings.state_dir)
        self.eventlog = EventLog(self.database, self.clock)
        self.history = HostHistory(self.database)
        self.hosted = HostedSessions(self.database)
        self.workspace = Workspace(Path.home(), settings.projects_root, self._private)
        self.selector = RuntimeSelector(
            self.registry, self.readiness, configured_name=settings.default_runtime or None
        )

    @cached_property
    def index_database(self) -> Database:
        file = self.settings.state_dir / f"index-{index_schema.VERSION}.db"
        return Database(file, index_schema.STEPS, index_schema.PRAGMAS)

    @cached_property
    def indexer(self) -> Indexer:
        return Indexer(self.index_database, self.registry, self._project_of, self.trash.places)

    @cached_property
    def index(self) -> Index:
        return Index(self.index_database, self.indexer, self._project_of)

    @cached_property
    def host_sessions(self) -> HostSessionSource:
        return HostSessionSource(self.index, self.registry, self.hosted, self.history)

    @cached_property
    def refresher(self) -> IndexRefresher:
        runtime_stores = RuntimeStoreSource(self.index, self.registry)
        # the statistics are last: they read what the other sources wrote
        sources = [self.host_sessions, runtime_stores, self.numbers]
        return IndexRefresher(self.index, self.indexer, sources)

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(self.database, self.registry, self.history, self.hosted, self.index)

    @cached_property
    def resolver(self) -> TurnResolver:
        return TurnResolver(
            self.registry,
            self.selector,
            self.sessions,
            self.workspace,
            permission_mode=self.settings.permission_mode,
        )

    @cached_property
    def turns(self) -> Turns:
        return Turns(
            resolver=self.resolver,
            registry=self.registry,
            eventlog=self.eventlog,
            history=self.history,
            database=self.database,
            clock=self.clock,
            stop_owner=self.processes.stop_owner,
            permission_seconds=self.settings.permission_timeout,
            listeners=[self.host_sessions, self.recorder],
        )

    @cached_property
    def changes(self) -> SessionChanges:
        return SessionChanges(
            clock=self.clock,
            sessions=self.sessions,
            hosted=self.hosted,
            index=self.index,
            workspace=self.workspace,
            trash=self.trash,
            running_stream=self.turns.running_stream,
        )

    @cached_property
    def trash(self) -> Trash:
        return Trash(self.database, self.clock, self.settings.state_dir / "trash")

    @cached_property
    def legacy(self) -> LegacyChat:
        return LegacyChat(self.turns, self.sessions, self.eventlog, self.database, self.clock)

    @cached_property
    def project_files(self) -> ProjectFiles:
        return ProjectFiles(self.settings.projects_root)

    @cached_property
    def projects(self) -> Projects:
        return Projects(self.project_files, self.clock)

    @cached_property
    def usage(self) -> UsageReports:
        return UsageReports(self.index, Prices(self.settings.state_dir), self.clock)

    @cached_property
    def numbers(self) -> ProjectStats:
        return ProjectStats(self.index, self.usage, self.clock)

    @cached_property
    def recorder(self) -> ProjectRecorder:
        return ProjectRecorder(self.project_files, self.clock, self.numbers)

    @cached_property
    def roots(self) -> Roots:
        return Roots(self.selector, self.settings.projects_root)

    @cached_property
    def files(self) -> Files:
        settings = self.settings
        return Files(
            Path.home(),
            settings.projects_root,
            settings.state_dir,
            env_files=self._env_files,
            scaffold=self.projects.scaffold,
        )

    def services(self) -> Services:
        """Return them as routes see them."""
        return Services(
            version=__version__,
            stage=self.settings.stage,
            wire_style=self.settings.wire_style,
            clock=self.clock,
            registry=self.registry,
            readiness=self.readiness,
            eventlog=self.eventlog,
            index=self.index,
            sessions=self.sessions,
            changes=self.changes,
            reservations=SessionReservations(
                resolver=self.resolver,
                sessions=self.sessions,
                hosted=self.hosted,
                source=self.host_sessions,
                clock=self.clock,
            ),
            usage=self.usage,
            turns=self.turns,
            projects=self.projects,
            recorder=self.recorder,
            memory=WorkspaceMemory(self.project_files, self.workspace),
            roots=self.roots,
            skills=Skills(self.registry, self.workspace),
            files=self.files,
            agents=Agents(self.registry, self.clock, self.settings.state_dir),
            models=Models(self.registry, self.readiness, self.selector),
            gateways=Gateways(self.registry, self.selector),
            legacy=self.legacy,
            idempotency=Idempotency(self.database, self.clock),
            frame_cache=FrameCache(),
            samplers=samplers(self.registry, self.turns, self.eventlog),
        )

    def _private(self) -> Sequence[Path]:
        return private_places(Path.home(), self.settings.state_dir, self._env_files())

    def _env_files(self) -> list[Path]:
        claimed = [record.claims.env_file for record in self.registry.plugins.values()]
        return [Path(file).expanduser() for file in claimed if file]

    def _project_of(self, directory: str | None) -> str | None:
        return self.workspace.project_of(Path(directory)) if directory else None
