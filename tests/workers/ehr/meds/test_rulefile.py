from __future__ import annotations

from pathlib import Path

import pytest

from cluster.storage import StorageSettings
from schemas.errors import SpecError
from workers.ehr.meds.rulefile import load_rules
from workers.ehr.meds.rules import EventRule

USUAL = "code: [A, $b]\n"


def loaded(folder: Path, text: str | bytes | None = None, usual: str = USUAL) -> EventRule:
    (folder / "rules.yaml").write_text(usual)
    own = folder / "own.yaml"
    if text is not None:
        own.write_bytes(text.encode() if isinstance(text, str) else text)
    uri = str(own) if text is not None else None
    return load_rules(EventRule, uri, folder / "rules.yaml", StorageSettings())


def test_without_a_uri_the_rules_are_the_format_s_own(tmp_path: Path) -> None:
    assert loaded(tmp_path).code == ("A", "$b")


def test_a_uri_replaces_them_wholly(tmp_path: Path) -> None:
    found = loaded(tmp_path, "code: [C]\nvalue: x?\n", usual="code: [A]\ntime: [t]\n")
    assert (found.code, found.time, found.value) == (("C",), (), "x?")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code: [A\n", r"input\.rules: not valid YAML near line 2"),
        (b"code: [\xff]", r"input\.rules: is not UTF-8"),
        ("code: []\n", r"input\.rules"),
        ("code: [A]\ntimes: [x]\n", "times"),
        ("[]", r"input\.rules"),
        ("a" * ((1 << 20) + 1), r"input\.rules is larger than 1048576 bytes"),
    ],
)
def test_rules_that_cannot_be_used_name_the_setting(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        loaded(tmp_path, text)


def test_a_file_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(USUAL)
    with pytest.raises(SpecError, match="names a file that is not there"):
        load_rules(EventRule, str(tmp_path / "gone.yaml"), tmp_path / "rules.yaml", StorageSettings())
