"""The configuration file is whole whenever its writer dies."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xo_runtime_openclaw.json5_reader import read_json5

KILLS = 6
WRITER = """
import sys
from pathlib import Path
from xo_runtime_openclaw.config.config_file import ConfigFile
from xo_runtime_openclaw.config.json5_edit import SetValue

file = ConfigFile(Path(sys.argv[1]), {})
number = 0
while True:
    draft = file.draft(lambda config: [SetValue(("count",), config["count"] + 1)])
    file.write(draft)
    number += 1
    if number == 1:
        print("begun", flush=True)
"""


@pytest.mark.fault
def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path, fault_seed: int):
    path = tmp_path / "openclaw.json"
    filler = ",\n".join(f'  "key {number}": "{"x" * 200}" // note' for number in range(200))
    filler = filler.replace(" // note,", ", // note")
    path.write_text("{\n  count: 0,\n" + filler + "\n}\n")
    size, counts, chance = len(read_json5(path.read_text())), [0], random.Random(fault_seed)  # type: ignore[arg-type]
    for _ in range(KILLS):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            assert writer.stdout.readline() == b"begun\n"
            time.sleep(chance.random() * 0.03)  # where in a write it dies is up to chance
            writer.send_signal(signal.SIGKILL)
        config = read_json5(path.read_text())
        assert isinstance(config, dict)
        assert len(config) == size
        count = config["count"]
        assert isinstance(count, int)
        assert count > counts[-1]
        counts.append(count)
        backup = read_json5(Path(f"{path}.bak").read_text())
        assert isinstance(backup, dict)
        assert len(backup) == size
