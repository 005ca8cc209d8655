"""The command line `xo-cowork`, one module per command.

`serve` is the fast path: typer and the modules of other commands are imported only for them.
"""

import sys
from typing import TYPE_CHECKING

from xo_cowork_core.cli.fast_imports import fast_imports

if TYPE_CHECKING:
    from typer import Typer


def main() -> int:
    """Run the command line; return the exit code. A known error is one line on stderr."""
    with fast_imports():
        from xo_cowork_core.cli.serve import serve  # noqa: PLC0415
        from xo_cowork_core.host.serving import START_ERRORS  # noqa: PLC0415
        from xo_cowork_core.host.settings.sources import normalize_home  # noqa: PLC0415

    try:
        normalize_home()
        return serve() if sys.argv[1:] == ["serve"] else _build_parser()()
    except START_ERRORS as error:
        print(f"xo-cowork: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _build_parser() -> "Typer":
    from typer import Typer  # noqa: PLC0415

    from xo_cowork_core.cli.doctor import doctor_command  # noqa: PLC0415
    from xo_cowork_core.cli.openapi import openapi_command  # noqa: PLC0415
    from xo_cowork_core.cli.plugins import plugins_check_command, plugins_list_command  # noqa: PLC0415
    from xo_cowork_core.cli.plugins_new import plugins_new_command  # noqa: PLC0415
    from xo_cowork_core.cli.serve import serve_command  # noqa: PLC0415
    from xo_cowork_core.cli.sessions import sessions_restore_command  # noqa: PLC0415

    parser = Typer(
        help="Control plane of an agent workspace.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    parser.command("serve", add_help_option=False)(serve_command)
    parser.command("doctor")(doctor_command)
    parser.command("openapi")(openapi_command)
    plugins = Typer(help="List, check and create plugins.", no_args_is_help=True)
    plugins.command("list")(plugins_list_command)
    plugins.command("check")(plugins_check_command)
    plugins.command("new")(plugins_new_command)
    parser.add_typer(plugins, name="plugins")
    sessions = Typer(help="Restore deleted sessions.", no_args_is_help=True)
    sessions.command("restore")(sessions_restore_command)
    # without a callback typer would drop the name of an only command
    sessions.callback()(lambda: None)
    parser.add_typer(sessions, name="sessions")
    return parser
