"""From a spec over a bucket of series and files to rows and masks: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import json
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import polars as pl
import pytest
import torch
from monai.inferers import sliding_window_inference

from cluster.storage import open_store
from jobs.cli.main import main
from jobs.leftovers import leftovers
from jobs.verification.verify import verify
from schemas.errors import RejectLimitError, SpecError
from tests.support.runs import rows, run
from tests.support.series import made
from tests.support.small_run import finish, go_on, start
from tests.support.volume_runs import BROKEN, SERIES, SHAPE, make_model, network, nifti, write_spec

NOW = timedelta(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archive, model and specs of the module."""
    return tmp_path_factory.mktemp("volumes")


@pytest.fixture(scope="module")
def clean(folder: Path) -> pl.DataFrame:
    """The rows of a run that nobody disturbs."""
    run(write_spec(folder, str(folder / "clean")).read_text())
    return rows(folder / "clean")


def row(table: pl.DataFrame, name: str) -> dict[str, Any]:
    (found,) = table.filter(pl.col("record_id") == name).to_dicts()
    return found


def mask(folder: Path, found: dict[str, Any]) -> Any:
    return nibabel.load(folder / found["mask_nifti"])


def reference(voxels: Any) -> Any:
    """The labels by MONAI's own windows."""
    image = torch.from_numpy(np.asarray(voxels, np.float32))[None, None]
    with torch.inference_mode():
        logits = sliding_window_inference(image, (4, 4, 4), 4, network(), overlap=0.5)
    return logits[0].argmax(0).numpy()


def test_every_object_is_in_a_volume_or_in_a_row(clean: pl.DataFrame) -> None:
    assert dict(zip(clean["record_id"], clean["status"], strict=True)) == {
        SERIES: "ok",
        "brain.nii.gz": "ok",
        BROKEN: "incomplete_series",
        f"{SERIES}#localizer": "localizer",
        "brain.txt": "unreadable",
        "cut.nii": "unreadable",
    }


def test_a_series_is_what_its_slices_are_in_their_order(folder: Path, clean: pl.DataFrame) -> None:
    found = row(clean, SERIES)
    voxels = np.stack([slice_.pixel_array.T for slice_ in made(SHAPE[2])], 2)
    assert found["shape"] == list(SHAPE)
    assert found["n_slices"] == SHAPE[2]
    assert found["spacing"] == pytest.approx([0.75, 0.5, 2.0])
    assert np.array_equal(mask(folder / "clean", found).get_fdata(), reference(voxels))
    assert np.allclose(mask(folder / "clean", found).affine, np.reshape(found["affine"], (4, 4)), atol=1e-5)


def test_a_file_is_what_nibabel_reads(folder: Path, clean: pl.DataFrame) -> None:
    found = row(clean, "brain.nii.gz")
    assert np.array_equal(mask(folder / "clean", found).get_fdata(), reference(nifti().get_fdata()))
    assert np.allclose(mask(folder / "clean", found).affine, nifti().affine)
    labels = mask(folder / "clean", found).get_fdata()
    assert found["anterior"]["voxels"] == (labels == 1).sum()


def test_a_mask_of_a_file_has_the_code_of_its_space(folder: Path, clean: pl.DataFrame) -> None:
    header = mask(folder / "clean", row(clean, "brain.nii.gz")).header
    assert int(header["sform_code"]) == int(nifti().header["sform_code"]) == 2
    assert int(mask(folder / "clean", row(clean, SERIES)).header["sform_code"]) == 1


def test_refused_volumes_say_why_and_have_no_values(clean: pl.DataFrame) -> None:
    broken = row(clean, BROKEN)
    assert "1 of 6 slices are missing, counted from 0: 2" in broken["detail"]
    assert broken["mask_nifti"] is None
    assert broken["series_uid"] == BROKEN


def test_windows_are_counted_where_people_look(folder: Path, clean: pl.DataFrame) -> None:
    manifest = json.loads((folder / "clean" / "manifest.json").read_text())
    assert manifest["counts"]["windows"] >= clean.filter(pl.col("status") == "ok").height
    assert main(["report", str(folder / "clean")]) == 0
    assert "<dt>windows</dt>" in (folder / "clean" / "report.html").read_text()


def test_the_largest_volumes_come_first(clean: pl.DataFrame) -> None:
    read = clean.filter(pl.col("status") == "ok")
    assert read["record_id"].to_list() == ["brain.nii.gz", SERIES]


def test_one_volume_a_study_is_chosen(folder: Path) -> None:
    run(write_spec(folder, str(folder / "studies"), record="study", carry="[Modality]").read_text())
    found = rows(folder / "studies")
    chosen = row(found, made(1)[0].StudyInstanceUID)
    assert (chosen["status"], chosen["series_uid"], chosen["selected_by"]) == ("ok", SERIES, "any")
    assert chosen["Modality"] == "MR"
    assert set(found["record_id"]) == {made(1)[0].StudyInstanceUID, "brain.nii.gz", "brain.txt", "cut.nii"}


def test_what_no_rule_takes_is_not_selected_and_no_reject(folder: Path) -> None:
    select = "{rules: [{name: ct, where: {Modality: CT}}]}"
    run(write_spec(folder, str(folder / "selected"), select=select).read_text())
    assert row(rows(folder / "selected"), SERIES)["status"] == "not_selected"


def test_a_wrong_spec_is_known_after_eight_volumes(folder: Path, tmp_path: Path) -> None:
    make_model(tmp_path / "model")
    (tmp_path / "archive").mkdir()
    for number in range(20):
        nan = nibabel.Nifti1Image(np.full((4, 4, 4), np.nan, np.float32), np.eye(4))
        nibabel.save(nan, tmp_path / "archive" / f"{number}.nii")
    spec = write_spec(tmp_path, str(tmp_path / "out")).read_text()
    with pytest.raises(RejectLimitError, match=r"8 of 8 sampled records were rejected \(out_of_contract 8\)"):
        run(spec + "limits: {max_rejects: 5%}\n")
    with pytest.raises(RejectLimitError, match="20 of 20 sampled records"):
        run(spec + "limits: {max_rejects: 5%, sample: 30}\n")


def test_a_rule_by_an_attribute_that_does_not_exist_is_refused_before_anything_is_read(
    folder: Path, tmp_path: Path
) -> None:
    select = "{rules: [{name: ct, where: {Modalty: CT}}]}"
    with pytest.raises(SpecError, match=r"rule .ct. asks for .Modalty., .*did you mean .Modality."):
        run(write_spec(folder, str(tmp_path / "out"), select=select).read_text())


def test_models_see_as_many_axes_as_records_have(folder: Path, tmp_path: Path) -> None:
    spec = write_spec(folder, str(tmp_path / "out")).read_text()
    with pytest.raises(SpecError, match=r"write input\.record: series"):
        run(spec.replace("record: series, ", "").replace(", segmentation: {masks: [nifti]}", ""))


def test_volumes_are_prepared_as_the_model_says_and_marked_where_they_were_read(folder: Path, tmp_path: Path) -> None:
    make_model(tmp_path / "model", prepare=[{"orient": {"axes": "RAS"}}])
    spec = write_spec(folder, str(tmp_path / "out")).read_text()
    run(spec.replace(str(folder / "model"), str(tmp_path / "model")))
    found = row(rows(tmp_path / "out"), "brain.nii.gz")
    turned = nibabel.as_closest_canonical(nifti())
    there = nibabel.Nifti1Image(reference(turned.get_fdata()).astype(np.uint8), turned.affine)
    turn = nibabel.orientations.io_orientation(np.linalg.inv(nifti().affine) @ turned.affine)
    assert np.array_equal(mask(tmp_path / "out", found).get_fdata(), there.as_reoriented(turn).get_fdata())


@pytest.mark.long
@pytest.mark.parametrize(
    "point",
    ["commit.before_put:4", "plan.after_put:2", "commit.after_put:12", "plan.after_put:3", "side.after_put:2"],
)
def test_a_run_killed_in_any_stage_is_completed_by_the_same_command(
    folder: Path, clean: pl.DataFrame, point: str
) -> None:
    output = folder / point.replace(":", "-")
    spec = write_spec(folder, str(output))
    code, _ = finish(start(spec, {"WARDROUND_CRASH_AT": point}))
    assert code == -signal.SIGKILL
    code, said = go_on(spec)
    assert code == 0, said
    verify(open_store(str(output)))
    again = rows(output)
    assert again.drop("mask_nifti").equals(clean.drop("mask_nifti"))
    for name in (SERIES, "brain.nii.gz"):
        before, after = mask(folder / "clean", row(clean, name)), mask(output, row(again, name))
        assert before.to_bytes() == after.to_bytes()
    assert not [left for left in leftovers(open_store(str(output)), NOW) if left.kind == "side object of no rows"]


def test_a_table_names_the_objects_and_its_columns_come_along(folder: Path, tmp_path: Path) -> None:
    spec = write_spec(folder, str(tmp_path / "out"), carry="[site, PatientID]", subject_id="who").read_text()
    names = sorted(path.relative_to(folder / "archive") for path in (folder / "archive").rglob("*.dcm"))
    lines = [f"{folder / 'archive' / name},{number},north,p1" for number, name in enumerate(names[::-1])]
    (tmp_path / "table.csv").write_text("\n".join(["uri,record_id,site,who", *lines]))
    roots = f"uri: {tmp_path / 'table.csv'}, roots: ['{folder / 'archive'}']"
    run(spec.replace(f"uri: {folder / 'archive'}", roots))
    found = row(rows(tmp_path / "out"), SERIES)
    assert (found["status"], found["site"], found["subject_id"]) == ("ok", "north", "p1")
    assert found["n_slices"] == SHAPE[2]


def test_several_models_share_a_volume_and_have_verdicts_of_their_own(folder: Path, tmp_path: Path) -> None:
    make_model(tmp_path / "wide", prepare=[{"orient": {"axes": "LPS"}}], windows=None)
    spec = write_spec(folder, str(tmp_path / "out")).read_text()
    both = f"models: {{wide: {{uri: {tmp_path / 'wide'}}}, brain: "
    run(spec.replace("models: {brain: ", both))
    found = row(rows(tmp_path / "out"), SERIES)
    assert (found["brain__status"], found["wide__status"]) == ("ok", "ok")
    assert found["brain__mask_nifti"].startswith("objects/brain__mask_nifti/")
    assert found["wide__anterior"]["voxels"] is not None
