"""Lists names that were replaced by standard terms and must not come back; run by `make check`."""

import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

CORE, PLUGINS = "xo_cowork_core/", "plugins/"

# Old names by the part of the tree in which they are refused.
REPLACED: dict[str, str] = {
    "": """
        Building Owned ClaimBook AccessGate BodyGate ReadyGate ErrorShield IdempotencyGate Upkeep
        Feeder HostedFeed KeeperRows MessageFold TurnRequests said_in close_cut_turns Hunt Household
        Census Endings TurnWatch ProjectNumbers Beneath Looks TellsStatus first_words look_now
        end_strays end_marked bury elders kin household households census hunt dear DEAR said told
        standing premises hydrate Reattach Standing Roster Withdrawn Foreign OneShots Patience
        go_on_from fold_pieces PluginFault StartRefused Roots
        stand_in StandIn STAND_IN Cuttable cuttable escapees escapee Lab
        Claims xo_claims
    """,
    CORE + "host/": "Core Wired Wiring Shape Flaw Stray Connection flaws strays greet",
    CORE + "api/": "Wired Answer Row usage_answers usage_shapes",
    CORE + "services/turns/": "Slot Resolver Resolved slot",
    CORE + "services/eventlog/": "Block Blocks touched give_up_oldest",
    CORE + "services/index/": "look settled ask Feed Found Reading used tooled spoken recounted",
    CORE + "services/sessions/": "throw fold look ask",
    CORE + "services/processes/": "Mark Marks Trees Branch Strays Leftovers tend mark marks",
    CORE + "services/projects/": "Card Fact Numbers Recorder ledger enter facts card",
    CORE + "services/files/": "Places refusals Spot",
    CORE + "storage/": "Spot Stamp Folder",
    CORE + "sdk/": "Said shown looks",
    PLUGINS + "runtime_claude/": "Said Running Warm asks attached living_branch gently",
    PLUGINS + "runtime_codex/": "Said Running Link Inbox Older Cut asks attached patience",
    PLUGINS + "runtime_openclaw/": """
        Said Running Down missed reattach roster Leftovers TextReconciler GatewayRestart Put Drop
        administration trouble flight
    """,
    PLUGINS + "runtime_demo/": "Stage",
}
# Old names of modules.
REPLACED_MODULES = """
    building finder declared kinds strays flaws greeting restoring samples faults wired shapes
    usage_answers usage_shapes bodies slots upkeep feed keepers hosted_feed fold hunt census endings
    marks grouptree proctree card facts numbers watch places beneath looks said running warm asks
    attached hydrate link inbox older cold patience reads down premises standing leftovers missed
    reattach entry roster stage talk work administration json5_places
"""
SKIPPED = ("tests/check_names.py",)


def main() -> int:
    """Check every Python file that git tracks or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    files = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    faults = [
        fault
        for name in files
        if name not in SKIPPED and Path(name).exists()
        for fault in old_names(Path(name))
    ]
    print("\n".join(faults) or "names: ok")
    return 1 if faults else 0


def old_names(path: Path) -> list[str]:
    """Return the replaced names in one file, with their lines."""
    refused = refused_in(path.as_posix())
    is_old_module = path.stem in REPLACED_MODULES.split() and not path.as_posix().startswith(
        "tests/"
    )
    faults = [f"{path}: the name of the module"] if is_old_module else []
    seen: set[str] = set()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.NAME and token.string in refused - seen:
            seen.add(token.string)
            faults.append(f"{path}:{token.start[0]}: {token.string}")
    return faults


def refused_in(path: str) -> set[str]:
    """Return the names that are refused in a file."""
    return {
        name
        for part, names in REPLACED.items()
        if path.startswith(part)
        for name in re.findall(r"\w+", names)
    }


if __name__ == "__main__":
    sys.exit(main())
