"""Builds the exports of connections, whose modules are imported after the start."""

from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import xo_cowork_core
from xo_cowork_core.host.service_groups import BaseServices
from xo_cowork_core.host.settings.model import Settings
from xo_cowork_core.services.connectors.connections import Connections
from xo_cowork_core.services.connectors.events import ConnectionEvents
from xo_cowork_core.services.connectors.exports.loader import ExportsLoader
from xo_cowork_core.services.connectors.token_store import TokenStore

if TYPE_CHECKING:
    from xo_cowork_core.services.connectors.exports.connection_exports import ConnectionExports
    from xo_cowork_core.services.connectors.exports.connection_imports import ConnectionImports
    from xo_cowork_core.services.connectors.exports.ledger import ExportLedger

# where in its checkout an older server kept its files
OLD_FOLDERS = (".", "services")


def load_exports(
    settings: Settings,
    base: BaseServices,
    store: TokenStore,
    connections: Connections,
    events: ConnectionEvents,
    problems: MutableMapping[str, str],
) -> ExportsLoader:
    """Return what loads the exports once plugins are up."""
    ledger_file = settings.state_dir / "connectors" / "exports.json"

    def build() -> "ConnectionExports":
        from xo_cowork_core.services.connectors.exports.connection_exports import (  # noqa: PLC0415
            ConnectionExports,
        )
        from xo_cowork_core.services.connectors.exports.export_writer import (  # noqa: PLC0415
            ExportWriter,
        )
        from xo_cowork_core.services.connectors.exports.ledger import ExportLedger  # noqa: PLC0415

        ledger = ExportLedger(ledger_file)
        return ConnectionExports(
            base.registry,
            store,
            events,
            imports=_build_imports(settings, base, connections, ledger, problems),
            ledger=ledger,
            writer=ExportWriter(settings.state_dir, ledger),
            problems=problems,
        )

    return ExportsLoader(base.registry, build, ledger_file)


def _build_imports(
    settings: Settings,
    base: BaseServices,
    connections: Connections,
    ledger: "ExportLedger",
    problems: MutableMapping[str, str],
) -> "ConnectionImports":
    from xo_cowork_core.services.connectors.exports.connection_imports import (  # noqa: PLC0415
        ConnectionImports,
    )

    return ConnectionImports(
        base.registry,
        connections,
        ledger,
        base.clock,
        folders=_import_folders(settings.state_dir),
        problems=problems,
    )


def _import_folders(state_dir: Path) -> Sequence[Path]:
    """Return the state folder, then the places beside the program."""
    program = Path(xo_cowork_core.__file__).parents[1]
    places = [root / name for root in (Path.cwd(), program) for name in OLD_FOLDERS]
    return list(dict.fromkeys([state_dir, *(place.resolve() for place in places)]))
