"""`xo-cowork`: serve, plugins list and check, sessions restore, doctor, openapi.

`serve` alone is on the fast path: what parses the other commands is imported only for them.
"""

import json
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

BROKEN = {"failed", "missing", "incompatible"}


def main() -> int:
    """Run the command line and return the exit code; what is wrong is said in one line."""
    # the start pays for what it needs
    from xo_cowork_core.host import serving  # noqa: PLC0415
    from xo_cowork_core.host.settings.sources import settle_home  # noqa: PLC0415

    try:
        settle_home()
        return serving.serve() if sys.argv[1:] == ["serve"] else _commands()()
    except serving.REFUSALS as error:
        print(f"xo-cowork: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _commands() -> "Typer":
    from typer import Typer  # noqa: PLC0415

    app = Typer(
        help="Control plane of an agent workspace.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    plugins = Typer(help="Look at the plugins.", no_args_is_help=True)
    app.command("serve", add_help_option=False)(_serve)
    app.command("doctor")(_doctor)
    app.command("openapi")(_openapi)
    plugins.command("list")(_plugins_list)
    plugins.command("check")(_plugins_check)
    app.add_typer(plugins, name="plugins")
    sessions = Typer(help="Mend what was done to sessions.", no_args_is_help=True)
    sessions.command("restore")(_sessions_restore)
    sessions.callback()(lambda: None)
    app.add_typer(sessions, name="sessions")
    return app


def _serve(help: bool = False) -> None:  # noqa: A002  # it becomes the option --help
    """Serve until told to stop. `serve --help` lists every setting."""
    from xo_cowork_core.host import serving  # noqa: PLC0415
    from xo_cowork_core.host.plugins.inspection import settings_help  # noqa: PLC0415

    if help:
        logging.disable()
        _say(settings_help())
    else:
        raise SystemExit(serving.serve())


def _doctor(json: bool = False) -> None:
    """Say what is installed, signed in and missing, and what mends it; exit 1 if anything is."""
    from xo_cowork_core.host.doctor import examine, report  # noqa: PLC0415

    logging.disable()
    findings = examine()
    _say(_as_json(findings) if json else report(findings))
    raise SystemExit(0 if all(finding["ok"] for finding in findings) else 1)


def _openapi() -> None:
    """Print the OpenAPI document."""
    from xo_cowork_core.host.plugins.inspection import inspected_app  # noqa: PLC0415

    _say(_as_json(inspected_app().openapi()))


def _plugins_list(json: bool = False) -> None:
    """List every plugin and what became of it."""
    from xo_cowork_core.host.plugins.inspection import plugin_rows, plugin_table  # noqa: PLC0415

    logging.disable()
    rows = plugin_rows()
    _say(_as_json(rows) if json else plugin_table(rows))


def _plugins_check() -> None:
    """Exit 1 when an enabled plugin can't be loaded: for image builds."""
    from xo_cowork_core.host.plugins.inspection import plugin_rows, plugin_table  # noqa: PLC0415

    rows = plugin_rows()
    broken = [row for row in rows if row["state"] in BROKEN]
    _say(plugin_table(broken or rows))
    raise SystemExit(1 if broken else 0)


def _sessions_restore(session_id: str) -> None:
    """Bring a deleted session back, within 30 days. Stop the server first."""
    from xo_cowork_core.host.restore_command import restore  # noqa: PLC0415

    _say(restore(session_id))


def _as_json(found: object) -> str:
    return json.dumps(found, indent=2)


def _say(text: str) -> None:
    print(text)  # noqa: T201
