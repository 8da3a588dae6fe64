"""`wardround export masks`: files with safe names, held against what the rows vouch for; a stopped one goes on."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cluster.storage import StorageSettings, open_store
from jobs.export.exporting import export_run
from jobs.export.file_names import file_names
from jobs.export.masks import MasksExport
from schemas.errors import FingerprintError, UsageError, VerificationError
from tests.support.cli import Wardround
from tests.support.made_run import make_run

IDS = ["1.2.840.1", "a/b c.nii.gz", "A", "a", "CT.nii.gz", "gone"]
KEYS = [f"objects/mask_nifti/000000/{n:032x}-{n:016x}.nii.gz" for n in range(5)]
BODIES = {key: gzip.compress(key.encode(), mtime=0) for key in KEYS}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A run of six records in three shards, the last of which has no mask."""
    rows = pl.DataFrame(
        {
            "record_id": IDS,
            "subject_id": ["p1", "p2", None, "p4", "p5", "p6"],
            "status": ["ok"] * 5 + ["unreadable"],
            "mask_nifti": [*KEYS, None],
        }
    )
    make_run(tmp_path / "run", rows, ("mask_nifti",), 2, {"mask_nifti": "object<nii.gz>"}, BODIES)
    return tmp_path / "run"


def export(run: Path, to: Path, **options: Any) -> Any:
    return export_run(MasksExport(**options), open_store(str(run)), str(to), StorageSettings())


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_mask_is_a_file_with_the_name_of_its_record_and_stands_in_the_table(made: Path, tmp_path: Path) -> None:
    told = export(made, tmp_path / "out")
    table = list(csv.DictReader((tmp_path / "out" / "masks.csv").open()))
    assert [line["record_id"] for line in table] == IDS
    for line, body in zip(table, BODIES.values(), strict=False):
        assert (tmp_path / "out" / line["file"]).read_bytes() == body
        assert (line["bytes"], line["sha256"]) == (str(len(body)), hashlib.sha256(body).hexdigest())
    assert [line["subject_id"] for line in table] == ["p1", "p2", "", "p4", "p5", "p6"]
    assert (table[5]["file"], table[5]["status"], table[5]["sha256"]) == ("", "unreadable", "")
    assert table[0]["file"] == "1.2.840.1.nii.gz"
    assert table[4]["file"] == "CT.nii.gz"
    assert told.written.figures == {"kind": "nifti", "records": 6, "masks": 5, "without": 1}
    assert told.files == 6


def test_an_export_that_was_stopped_is_completed_and_what_is_there_is_not_read_again(
    made: Path, tmp_path: Path
) -> None:
    export(made, tmp_path / "whole")
    wanted = files_in(tmp_path / "whole")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.2.840.1.nii.gz").write_bytes(BODIES[KEYS[0]])
    (made / KEYS[0]).unlink()
    told = export(made, tmp_path / "out")
    assert files_in(tmp_path / "out") == wanted
    assert (told.files, told.bytes) == (6, sum(len(body) for name, body in wanted.items() if name != "export.json"))
    export(made, tmp_path / "out")
    assert files_in(tmp_path / "out") == wanted


def test_a_mask_that_is_damaged_or_gone_is_not_handed_on(made: Path, tmp_path: Path) -> None:
    body = (made / KEYS[2]).read_bytes()
    (made / KEYS[2]).write_bytes(body[:-1] + b"!")
    with pytest.raises(VerificationError, match="not the one"):
        export(made, tmp_path / "a")
    (made / KEYS[2]).unlink()
    with pytest.raises(VerificationError, match="not there"):
        export(made, tmp_path / "b")
    assert not (tmp_path / "a" / "export.json").exists()


def test_other_files_at_the_place_are_never_overwritten(made: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "CT.nii.gz").write_bytes(b"mine")
    with pytest.raises(FingerprintError, match="Choose another --to"):
        export(made, tmp_path / "out")
    assert (tmp_path / "out" / "CT.nii.gz").read_bytes() == b"mine"


def test_a_run_without_masks_or_without_this_kind_or_model_says_what_it_has(made: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no masks of kind dicom_seg: choose --kind nifti"):
        export(made, tmp_path / "out", kind="dicom_seg")
    with pytest.raises(UsageError, match="did you mean 'model'"):
        export(made, tmp_path / "out", model="modell")
    scores = pl.DataFrame({"record_id": ["a"], "score": [1.0]})
    plain = Path(make_run(tmp_path / "plain", scores, ("score",)))
    with pytest.raises(UsageError, match=r"the run has no masks.*segmentation: \{masks: \[nifti\]"):
        export(plain, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_wrote(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = Wardround(capsys)("export", "masks", made, "--to", tmp_path / "out", "--kind", "nifti", "--json")
    assert json.loads(said.out)["masks"] == 5
    assert "1 record without a mask" in said.err
    assert Wardround(capsys)("export", "masks", made, "--to", tmp_path / "x", "--kind", "niftii").code == 2


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ("1.2.840.1", "1.2.840.1.dcm"),
        ("x/y.nii.gz", "x_y-"),
        ("../../etc/passwd", "_.._etc_passwd-"),
        ("-rf", "rf-"),
        (".hidden", "hidden-"),
        ("..", "record-"),
        ("Müller", "M_ller-"),
        ("con", "_con-"),
        ("nul.nii", "_nul-"),
        ("a" * 300, "a" * 120 + "-"),
        ("scan.nii.gz", "scan.dcm"),
        (".nii.gz", "nii.gz-"),
        ("a\nb", "a_b-"),
    ],
)
def test_names_are_safe_on_every_system(record: str, name: str) -> None:
    (found,) = file_names([record], ".dcm")
    assert found == name or (found.startswith(name) and len(found) == len(name) + 12 + 4)


def test_names_differ_where_ids_do() -> None:
    ids = ["a", "A", "a.nii", "a.nii.gz", "a/b", "a_b", "a b", "x" * 200, "x" * 201]
    names = file_names(ids, ".nii.gz")
    assert len({name.casefold() for name in names}) == len(ids)
    assert file_names(ids[::-1], ".nii.gz") == names[::-1]
