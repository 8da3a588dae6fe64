"""One picture in every bit depth through a Hugging Face directory: equal scores, or a status that names the step."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
import tifffile

from cluster.storage import open_store
from jobs.doctor import examine
from jobs.outlook import outlook
from jobs.reporting.report import render
from schemas.spec import Spec, parse_spec
from tests.chaos.archive import make_model
from tests.support import runs
from tests.support.dicom_files import dataset, stored
from tests.workers.images.formats.test_huggingface import save_vit
from workers.finished_runs.documents import existing_manifest, existing_run

PICTURE = np.linspace(0, 255, 40 * 40).reshape(40, 40).round().astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same picture six times, a Hugging Face directory, and an ONNX one that says nothing of values."""
    folder = tmp_path_factory.mktemp("contract")
    archive = folder / "archive"
    archive.mkdir()
    wide = PICTURE.astype(np.uint16)
    cv2.imwrite(str(archive / "g8.png"), PICTURE)
    cv2.imwrite(str(archive / "g16.png"), wide * 257)
    tifffile.imwrite(archive / "unit.tif", (PICTURE / 255).astype(np.float32))
    (archive / "g8.dcm").write_bytes(stored(dataset(PICTURE)))
    (archive / "g12.dcm").write_bytes(stored(dataset(wide * 16, bits_stored=12, WindowCenter=2040, WindowWidth=4081)))
    (archive / "ct.dcm").write_bytes(stored(dataset(wide * 16, bits_stored=12, RescaleSlope=1, RescaleIntercept=-1024)))
    save_vit(folder / "vit")
    make_model(folder / "bare")
    return folder


def spec(folder: Path, out: str, more: str = "") -> str:
    return (
        f"job: predict\nname: contract\ninput: {{collection: images, uri: {folder / 'archive'}}}\n"
        f"models: {{vit: {{uri: {folder / 'vit'}}}, bare: {{uri: {folder / 'bare'}}}}}\n"
        f"output: {{uri: {folder / out}}}\ncompute: {{pool: serial}}\n{more}"
    )


def by_name(folder: Path) -> dict[str, dict[str, object]]:
    return {row["record_id"]: row for row in runs.rows(folder).iter_rows(named=True)}


def test_a_wrong_score_is_never_ok(folder: Path) -> None:
    runs.run(spec(folder, "own"))
    rows = by_name(folder / "own")
    statuses = {name: row["vit__status"] for name, row in rows.items()}
    assert statuses == dict.fromkeys(rows, "out_of_contract") | {"g8.png": "ok", "g8.dcm": "ok"}
    assert rows["g8.png"]["vit__score_pneumonia"] == pytest.approx(rows["g8.dcm"]["vit__score_pneumonia"])
    assert rows["ct.dcm"]["vit__score_pneumonia"] is None
    # The other model says nothing of values, which is said for it where people look.
    assert {row["bare__status"] for row in rows.values()} == {"ok"}
    store = open_store(str(folder / "own"))
    page = render(existing_run(store), existing_manifest(store), store.uri)
    assert page.count("nothing says which values it takes") == 1


def test_the_models_own_steps_after_a_step_of_the_spec_give_equal_scores(folder: Path) -> None:
    runs.run(
        spec(folder, "same", "prepare: [{to_uint8: {source: image}}, {channels: {to: 3}}, model]\n").replace(
            f", bare: {{uri: {folder / 'bare'}}}", ""
        )
    )
    found = runs.rows(folder / "same")
    assert found["status"].unique().to_list() == ["ok"]
    # 12 and 16 bits hold the same 256 levels; floats of 0 to 1 do too.
    assert found.select(pl.col("score_pneumonia").max() - pl.col("score_pneumonia").min()).item() < 1e-5


def test_doctor_and_plan_name_the_model_that_says_nothing(folder: Path) -> None:
    made: Spec = parse_spec(spec(folder, "never"))
    assert list(outlook(made).remarks) == ["bare"]
    warned = [finding for finding in examine(made) if finding.what == "models" and finding.state == "warn"]
    assert len(warned) == 1
    assert warned[0].says.startswith("bare: nothing says which values it takes")
