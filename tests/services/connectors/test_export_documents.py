"""The files that connections are exported to, as texts: what is not ours keeps its bytes."""

import configparser
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.small_disk import small_disk
from xo_cowork_core.services.connectors.exports.documents import DocumentError, IniDocument
from xo_cowork_core.services.connectors.exports.export_writer import ExportWriter, WantedSection
from xo_cowork_core.services.connectors.exports.json_document import JsonDocument
from xo_cowork_core.services.connectors.exports.ledger import ExportLedger, SectionKey

NAMES = st.text("abz09_- ", min_size=1, max_size=6).map(str.strip).filter(bool)
KEYS = st.text("abz_", min_size=1, max_size=4)
VALUES = st.text("ab={}\"'#;[]:/ é", max_size=12).map(str.strip)
INI_LINES = st.one_of(
    st.sampled_from(["", "# note", "; note", "  # note", "stray", "[]"]),
    NAMES.map(lambda name: f"[{name}]"),
    st.tuples(KEYS, st.sampled_from(["=", " = ", ": "]), VALUES).map("".join),
)
INI_TEXTS = st.lists(INI_LINES, max_size=12).map(lambda lines: "".join(f"{x}\n" for x in lines))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
OURS = {"type": "drive", "token": '{"access_token":"a=b"}'}


@given(INI_TEXTS)
def test_a_section_that_is_added_and_removed_leaves_the_text(text: str) -> None:
    document = IniDocument(text)
    document.set("our own", OURS, ())
    added = document.text()
    assert added.startswith(text)
    assert IniDocument(added).sections()["our own"] == OURS
    again = IniDocument(added)
    again.remove("our own", OURS)
    assert again.text() == text


@given(INI_TEXTS, NAMES, st.dictionaries(KEYS, VALUES, max_size=3))
def test_a_change_keeps_every_line_of_other_sections(
    text: str, name: str, values: dict[str, str]
) -> None:
    document = IniDocument(text)
    before = document.sections()
    document.set(name, values, ("zz",))
    changed = IniDocument(document.text())
    assert changed.sections() == {
        **before,
        name: {k: v for k, v in {**before.get(name, {}), **values}.items() if k != "zz"} | values,
    }
    own = {line for line in document.text().split("\n") if line.partition(" = ")[0] in values}
    kept = [line for line in document.text().split("\n") if line not in own]
    for line in text.split("\n"):
        key = line.replace(":", "=").partition("=")[0].strip()
        assert line in kept or key in values or key == "zz" or line in own


def test_readers_of_ini_see_what_was_written() -> None:
    document = IniDocument("[a]\nx = 1")
    document.set("b", OURS, ())
    reader = configparser.ConfigParser(interpolation=None)
    reader.read_string(document.text())
    assert {name: dict(reader[name]) for name in reader.sections()} == {"a": {"x": "1"}, "b": OURS}


@given(st.dictionaries(st.text(max_size=4), JSON_VALUES, max_size=4), st.sampled_from([None, 1, 4]))
def test_members_of_others_keep_the_text_of_their_values(
    members: dict[str, object], indent: int | None
) -> None:
    members.pop("ours", None)
    text = json.dumps(members, indent=indent)
    document = JsonDocument(text)
    document.set("ours", {"access_token": "a", "scopes": ["b"], "expires_at": 0}, ())
    changed = document.text()
    assert json.loads(changed) == {
        **members,
        "ours": {"access_token": "a", "scopes": ["b"], "expires_at": 0},
    }
    for value in members.values():
        if indent is None:
            assert json.dumps(value) in changed
    document.remove("ours", ())
    assert json.loads(document.text()) == members
    assert JsonDocument(text).text().strip() == text


@pytest.mark.parametrize("text", ["[]", "{", '{"a":1}x', "1", "nul", "[" * 3000])
def test_a_text_that_is_no_object_is_damaged(text: str) -> None:
    with pytest.raises(DocumentError):
        JsonDocument(text)


def test_a_member_that_is_gone_is_removed_and_others_of_the_section_stay() -> None:
    document = JsonDocument('{"ours": {"old": 1, "theirs": 2.50}}')
    document.set("ours", {"new": "x"}, ("old",))
    assert '"theirs": 2.50' in document.text()
    assert json.loads(document.text()) == {"ours": {"theirs": 2.5, "new": "x"}}


def test_a_full_disk_leaves_the_old_file_and_is_made_up_for(tmp_path: Path) -> None:
    ledger = ExportLedger(tmp_path / "exports.json")
    ledger.load()
    with small_disk(tmp_path / "disk", "64k") as disk:
        writer = ExportWriter(disk, ledger)
        key = SectionKey("rclone.conf", "work")
        old = WantedSection("gdrive", "connector_gdrive", {"token": "old"})
        assert writer.apply({key: old}, ()) == {}
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(bytes(1 << 20))
        new = old._replace(values={"token": "new" * 2000})
        problems = writer.apply({key: new}, ())
        assert problems == {"gdrive": "rclone.conf can't be written: No space left on device."}
        assert (disk / "rclone.conf").read_text() == "[work]\ntoken = old\n"
        filler.unlink()
        assert writer.apply({key: new}, ()) == {}
        assert "newnew" in (disk / "rclone.conf").read_text()
        assert writer.apply({}, [key]) == {}
        assert list(disk.iterdir()) == []
