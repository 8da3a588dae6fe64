"""Images that an earlier release lost or mixed up, as whole runs: names in tables, frames, and headers that lie."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest

from tests.chaos.archive import make_model
from tests.support import runs
from tests.support.dicom_files import dataset, stored

HOSTILE = Path(__file__).parent.parent / "cases" / "hostile-pictures"
STATUSES = {
    "bomb.nii.gz": "unreadable",
    "dcm_frames.dcm": "unreadable",
    "dcm_j2k_dims.dcm": "unreadable",
    "dcm_len_lie.dcm": "unreadable",
    "dcm_rows.dcm": "too_large",
    "jpg_dims.jpg": "too_large",
    "npy_neg.npy": "unreadable",
    "npy_shape_lie.npy": "too_large",
    "png_zero.png": "unreadable",
    "tiff_count_huge.tif": "unreadable",
    "tiff_loop.tif": "unreadable",
}
DARK, BRIGHT = (np.full((16, 16), value, np.uint8) for value in (7, 111))


def run(root: Path, source: str, out: str = "out") -> dict[str, dict[str, object]]:
    """Rows of a run by record. `source` is the rest of `input:`."""
    make_model(root / "model")
    runs.run(
        f"job: predict\nname: cases\ninput: {{collection: images, {source}}}\noutput: {{uri: {root / out}}}\n"
        f"models: {{m: {{uri: {root / 'model'}}}}}\ncompute: {{pool: serial}}\n"
    )
    return {row["record_id"]: row for row in runs.rows(root / out).iter_rows(named=True)}


def test_a_picture_that_lies_is_a_row_with_its_status_and_its_neighbours_are_scored(tmp_path: Path) -> None:
    shutil.copytree(HOSTILE, tmp_path / "in", ignore=shutil.ignore_patterns("README"))
    good = {f"{place}good.png": "ok" for place in ("a_", "e_", "n_", "z_")}
    for name in good:
        cv2.imwrite(str(tmp_path / "in" / name), BRIGHT)
    found = run(tmp_path, f"uri: {tmp_path / 'in'}")
    assert {name: row["status"] for name, row in found.items()} == STATUSES | good
    assert all(row["detail"] for name, row in found.items() if name in STATUSES)
    assert len({str(found[name]["scores"]) for name in good}) == 1


@pytest.mark.parametrize("written", ["x.npy", "./x.npy", "sub/../x.npy", "HERE//x.npy", "file://HERE/x.npy"])
def test_a_name_in_a_table_is_the_file_beside_it_however_it_is_written(
    tmp_path: Path, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = tmp_path / "archive", tmp_path / "elsewhere"
    for folder, picture in ((here, DARK), (elsewhere, BRIGHT)):
        folder.mkdir()
        np.save(folder / "x.npy", picture)
    np.save(here / "y.npy", DARK)
    np.save(here / "z.npy", BRIGHT)
    monkeypatch.chdir(elsewhere)
    uris = [written.replace("HERE", str(here)), "y.npy", f"file://{here}/z.npy"]
    table = pl.DataFrame({"record_id": ["x", "y", "z"], "uri": uris})
    table.write_csv(here / "images.csv")
    found = run(tmp_path, f"uri: {here / 'images.csv'}")
    assert {row["status"] for row in found.values()} == {"ok"}
    assert found["x"]["scores"] == found["y"]["scores"] != found["z"]["scores"]


def test_an_unreadable_object_named_as_the_frame_of_another_is_a_row_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    frames = np.stack([DARK, BRIGHT, DARK])
    (tmp_path / "in/a.dcm").write_bytes(stored(dataset(frames, NumberOfFrames=3)))
    (tmp_path / "in/a.dcm#1").write_bytes(b"this is no image")
    found = run(tmp_path, f"uri: {tmp_path / 'in'}, record: frame")
    statuses = {name: row["status"] for name, row in found.items()}
    assert statuses == {"a.dcm#0": "ok", "a.dcm#1": "ok", "a.dcm#2": "ok", "a.dcm#1#": "unreadable"}
    assert found["a.dcm#0"]["scores"] == found["a.dcm#2"]["scores"] != found["a.dcm#1"]["scores"]
