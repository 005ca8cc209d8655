"""Any content of `state.json` is either understood and kept, or renamed whole."""

import asyncio
import json
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from xo_cowork_core.services.clock import SystemClock
from xo_cowork_core.services.config.onboarding import Onboarding, OnboardingState

OWN = ("version", "onboarding_completed", "onboarding_step", "first_run_at")
OWN += ("onboarding_completed_at",)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.text(max_size=5),
    st.sampled_from(["2026-01-31T09:30:00+00:00", "2026-01-31", "9999-12-31T23:59:59-12:00"]),
)
contents = st.dictionaries(st.sampled_from(OWN) | st.text(max_size=3), values, max_size=6)


@settings(max_examples=60, deadline=None)
@given(stored=contents, is_cut=st.booleans())
def test_a_file_is_kept_in_one_form_or_the_other(stored: dict[str, object], is_cut: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"
        content = json.dumps(stored).encode()
        content = content[:-1] if is_cut else content
        file.write_bytes(content)
        state = asyncio.run(complete(Path(folder)))
        assert state.completed
        written = json.loads(file.read_text())
        assert written["version"] == 1
        assert written["onboarding_completed"] is True
        renamed = [path.read_bytes() for path in Path(folder).glob("state.json.*")]
        assert renamed in ([], [content])
        others = {key: value for key, value in stored.items() if key not in OWN}
        if not renamed:
            assert others.items() <= written.items()
            kept = stored.get("first_run_at")
            assert not kept or state.first_run_at is not None


async def complete(folder: Path) -> OnboardingState:
    """Read and complete the onboarding as two servers in turn would."""
    first = await Onboarding(folder, SystemClock()).read()
    again = await Onboarding(folder, SystemClock()).read()
    assert (first.completed, first.step) == (again.completed, again.step)
    assert first.first_run_at
    assert again.first_run_at
    # the file has milliseconds
    assert abs(first.first_run_at - again.first_run_at) < timedelta(milliseconds=1)
    return await Onboarding(folder, SystemClock()).complete()
