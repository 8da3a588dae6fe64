"""`job: train` end to end over made volumes with label maps: what becomes of each, and the model directory."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import polars as pl
import pytest

from cluster.storage import StorageSettings
from jobs.preview import preview
from jobs.running import prepare_job
from jobs.trial import try_out
from schemas.errors import SpecError
from schemas.spec import parse_spec
from tests.support.labelled_volumes import save, write_volume
from tests.support.runs import rows, run
from tests.support.train_figures import account, remarks
from workers.images.volumes.card import volume_card
from workers.images.volumes.formats.native import FORMAT


def spec(folder: Path, output: str, keys: str = "", more: str = "") -> str:
    lines = f"""
job: train
name: spots
input:
  collection: images
  record: series
  uri: {folder}/images/
  labels: {{uri: {folder}/labels/, pattern: "{{id}}"}}
  outputs: {{spots: {{task: segmentation, structures: {{near: 1, far: 2}}}}}}
  splits: {{shares: {{train: 60%, tuning: 20%, held_out: 20%}}, seed: 4}}
  network: {{name: res_unet, settings: {{channels: [4, 8]}}}}
  fit: {{epochs: 1, batch: 2, learning_rate: 0.01}}
"""
    return f"{lines}{keys}output: {{uri: {folder}/{output}/}}\ncompute: {{pool: serial}}\n{more}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten volumes, two of them at odds with their label maps, one without, and a label map without a volume."""
    folder = tmp_path_factory.mktemp("volumes")
    for number in range(10):
        write_volume(folder, f"v{number}", number, turned=number == 3)
    image = nibabel.load(folder / "images" / "v0.nii.gz")
    far = image.affine.copy()
    far[:3, 3] += 7
    save(folder / "labels" / "v0.nii.gz", np.zeros(image.shape, np.uint8), far)
    save(folder / "labels" / "v1.nii.gz", np.zeros((3, 4, 5), np.uint8), image.affine)
    (folder / "labels" / "v2.nii.gz").rename(folder / "labels" / "other.nii.gz")
    run(spec(folder, "out"))
    return folder


def test_every_volume_and_every_label_map_is_accounted_for(folder: Path) -> None:
    found = account(folder / "out")
    assert sum(count for (_, state), count in found.items() if state == "used") <= 7
    by_state: dict[str, int] = {}
    for (_, state), count in found.items():
        by_state[state] = by_state.get(state, 0) + count
    assert by_state == {"used": 7, "out_of_contract": 2, "no label": 1, "label without a record": 1}


def test_the_plan_is_told(folder: Path) -> None:
    assert any("patches of 14 x 14 x 12 voxels" in one for one in remarks(folder / "out"))
    assert any("1 x 1 x 1.5 mm" in one for one in remarks(folder / "out"))


def test_the_directory_is_a_model_on_volumes_with_the_planned_steps(folder: Path) -> None:
    card = FORMAT.describe(folder / "out" / "model")
    volume = volume_card(card)
    assert volume is not None
    assert [one.name for one in volume.structures] == ["near", "far"]
    steps = json.loads((folder / "out" / "model" / "config.json").read_text())["prepare"]
    assert steps == [{"orient": {"axes": "RAS"}}, {"resample": {"spacing": [1.0, 1.0, 1.5]}}, "z_score"]


def test_labelled_parquet_has_the_label_map_of_each(folder: Path) -> None:
    labelled = pl.read_parquet(folder / "out" / "labelled.parquet").sort("record_id")
    of_v4 = labelled.filter(pl.col("record_id") == "v4.nii.gz")
    assert of_v4["spots"].to_list() == [f"{folder}/labels/v4.nii.gz"]
    assert of_v4["split"][0] in ("train", "tuning", "held_out")


def test_a_volume_that_is_stored_the_other_way_round_learns_from_the_same_labels(folder: Path) -> None:
    shown = pl.concat(pl.read_parquet(path) for path in (folder / "out/stages/prepare").rglob("shard-*.parquet"))
    row = shown.filter(pl.col("record_id") == "v3.nii.gz").to_dicts()[0]
    classes = np.frombuffer(row["classes"], row["class_dtype"]).reshape(row["voxel_shape"][1:])
    voxels = np.frombuffer(row["voxels"], row["voxel_dtype"]).reshape(row["voxel_shape"])[0]
    assert voxels[classes == 2].mean() > voxels[classes == 1].mean() > voxels[classes == 0].mean() + 0.5
    assert np.array_equal(classes, nibabel.load(folder / "labels" / "v3.nii.gz").get_fdata())


def test_what_the_model_marks_is_evaluated_against_the_label_maps(folder: Path) -> None:
    run(
        f"""
job: predict
name: spots
input: {{collection: images, record: series, uri: {folder}/images/, segmentation: {{masks: [nifti]}}}}
models: {{spots: {{uri: {folder}/out/model/}}}}
output: {{uri: {folder}/marked/}}
compute: {{pool: serial}}
"""
    )
    run(
        f"""
job: evaluate
name: spots
input:
  run: {folder}/marked/
  labels: {{uri: {folder}/out/labelled.parquet}}
  draws: 100
  roots: [{folder}/labels/]
  outcomes:
    spots:
      task: segmentation
      score: mask_nifti
      truth: spots
      structures: {{near: 1, far: 2}}
output: {{uri: {folder}/evaluated/}}
compute: {{pool: serial}}
"""
    )
    document = json.loads((folder / "evaluated" / "metrics.json").read_text())
    found = {(row["figure"], row["point"]): row["value"] for row in document["outcomes"]["spots"]["all"]}
    own: dict[str, list[float]] = {"near": [], "far": []}
    for row in rows(folder / "marked").iter_rows(named=True):
        label_map = folder / "labels" / row["record_id"]
        if row["record_id"] in ("v0.nii.gz", "v1.nii.gz") or not label_map.exists():
            continue
        masks, truth = (
            nibabel.as_closest_canonical(nibabel.load(path)).get_fdata()
            for path in (folder / "marked" / row["mask_nifti"], label_map)
        )
        for value, name in enumerate(own, start=1):
            one, other = masks == value, truth == value
            own[name].append(2 * (one & other).sum() / (one.sum() + other.sum()))
    assert found["rows", ""] == 7
    for name, values in own.items():
        assert found["dice", name] == pytest.approx(np.mean(values))
    states = {cell["state"]: cell["rows"] for cell in document["flow"]}
    assert states["evaluated"] == 7
    assert sum(states.values()) == 10


def test_settings_of_volumes_and_of_images_are_kept_apart(folder: Path) -> None:
    with pytest.raises(SpecError, match="volumes are learned with task: segmentation"):
        run(spec(folder, "refused").replace("task: segmentation, structures: {near: 1, far: 2}", "task: binary"))
    with pytest.raises(SpecError, match="stands there twice"):
        run(spec(folder, "refused").replace("far: 2", "far: 1"))
    with pytest.raises(SpecError, match="smoothing: is not for segmentation"):
        run(spec(folder, "refused").replace("batch: 2", "batch: 2, loss: {smoothing: 0.1}"))
    with pytest.raises(SpecError, match="is a folder: name a table"):
        run(spec(folder, "refused").replace(', pattern: "{id}"', ""))
    with pytest.raises(SpecError, match=r"needs .id. or .stem., once"):
        run(spec(folder, "refused").replace('"{id}"', '"{id}-{stem}"'))
    with pytest.raises(SpecError, match=r"is called as labels\.pattern says"):
        run(spec(folder, "refused").replace('"{id}"', '"{id}.mha"'))


def test_a_trial_prepares_whole_volumes_and_ends_before_it_fits(folder: Path) -> None:
    job = prepare_job(parse_spec(spec(folder, "tried")), StorageSettings())
    with preview(job) as seen:
        trial = try_out(job, seen, 3, timed=False)
    assert [(stage.stage, stage.records) for stage in trial.stages] == [
        ("headers", 10),
        ("volumes", 10),
        ("prepare", 3),
    ]
    assert not trial.whole
