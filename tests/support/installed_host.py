"""The wheels of this checkout, and an environment into which some of them are installed."""

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv" / "bin" / "uv"
BUILD_SECONDS = 120


@dataclass(frozen=True)
class InstalledHost:
    """An environment without the source tree: `bin` has its programs, `site` its packages."""

    folder: Path
    wheels: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    @property
    def site(self) -> Path:
        return next((self.folder / "lib").glob("python*")) / "site-packages"

    def run(
        self, *argv: str, home: Path, timeout: float = 60, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs with a clean environment and a home of its own."""
        environment = {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(home), **variables}
        return subprocess.run(
            [str(self.bin / argv[0]), *argv[1:]],
            env=environment,
            cwd=home,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def install(self, *requirements: str) -> None:
        """Install requirements; the distributions of this checkout come from their wheels."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        pinned = project["tool"]["uv"]["exclude-newer"]
        target = ["--python", str(self.bin / "python"), "--find-links", str(self.wheels)]
        run_uv("pip", "install", *target, "--exclude-newer", pinned, *requirements, cwd=self.folder)

    def uninstall(self, *names: str) -> None:
        """Remove distributions."""
        python = str(self.bin / "python")
        run_uv("pip", "uninstall", "--python", python, *names, cwd=self.folder)


def run_uv(*arguments: str, cwd: Path) -> None:
    done = subprocess.run(
        [UV, *arguments, "--quiet"],
        cwd=cwd,
        # where packages come from is a setting of the machine
        env=dict(os.environ),
        check=False,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
    )
    assert done.returncode == 0, done.stderr


def build_wheels(source: Path, folder: Path) -> None:
    """Copy the files that git tracks to `source` and build all wheels from there into `folder`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
    run_uv("build", "--all-packages", "--wheel", "--out-dir", str(folder), cwd=source)


def create_environment(folder: Path, wheels: Path) -> InstalledHost:
    """Create an empty environment at `folder`."""
    run_uv("venv", "--python", sys.executable, str(folder), cwd=ROOT)
    return InstalledHost(folder, wheels)
