"""The example of a network that learns from made heads and is tried on a real one, at 6 mm: in a minute instead of a
quarter of an hour."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
import yaml

from tests.support.cli import ROOT
from tests.support.head_files import needs_heads, read_colin
from tests.support.heads import dice, extraction, laid_over, write_made, write_real
from tests.support.runs import rows, run
from tests.support.train_figures import account

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), needs_heads]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three specs of the example, run one after the other."""
    folder = tmp_path_factory.mktemp("brain")
    write_made(folder / "heads" / "made", 16)
    write_real(folder / "heads" / "real")
    train = _spec("train-brain", folder)
    train["input"]["spacing"] = [6, 6, 6]
    train["input"]["network"]["settings"] = {"channels": [8, 16, 32], "strides": [[2, 2, 2], [2, 2, 2]]}
    train["input"]["patches"] = {"size": [32, 40, 32]}
    train["input"]["splits"] = {"shares": {"train": "85%", "tuning": "15%", "held_out": "0%"}, "seed": 1}
    train["input"]["fit"] |= {"epochs": 12, "learning_rate": 0.005, "average": 0.9}
    threads = torch.get_num_threads()
    for spec in (train, _spec("predict-brain", folder), _spec("evaluate-brain", folder)):
        run(yaml.safe_dump({**spec, "compute": {"pool": "serial"}}))
    torch.set_num_threads(threads)
    return folder


def _spec(name: str, folder: Path) -> dict[str, Any]:
    text = (ROOT / "jobs" / "specs" / f"{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.replace("../../", f"{folder}/"))
    return found


def test_every_made_head_is_learned_from_or_tunes(folder: Path) -> None:
    found = account(folder / "runs" / "brain")
    assert {state for _, state in found} == {"used"}
    assert sum(found.values()) == 16


def test_a_brain_is_found_in_a_head_that_was_never_seen_and_on_its_own_grid(folder: Path) -> None:
    found = rows(folder / "runs" / "brain-marked")
    assert found["status"].to_list() == ["ok", "ok"]
    of_ch2 = found.filter(found["record_id"] == "ch2.nii.gz")
    mask = nibabel.load(folder / "runs" / "brain-marked" / of_ch2["mask_nifti"][0])
    head = read_colin()
    assert mask.shape == head.shape
    assert np.allclose(mask.affine, head.affine)
    marked = np.asanyarray(mask.dataobj) > 0
    assert dice(marked, extraction("ch2bet")) > 0.87
    assert of_ch2["brain"][0]["volume_ml"] == pytest.approx(marked.sum() / 1000)


def test_the_figures_are_those_of_the_masks_in_both_poses(folder: Path) -> None:
    metrics = json.loads((folder / "runs" / "brain-evaluation" / "metrics.json").read_text())
    marked = rows(folder / "runs" / "brain-marked")
    for reference in ("ch2bet", "ch2better"):
        figures = metrics["outcomes"][reference]
        for pose, record in (("as it is", "ch2.nii.gz"), ("turned", "ch2-turned.nii.gz")):
            uri = marked.filter(marked["record_id"] == record)["mask_nifti"][0]
            mask = np.asanyarray(nibabel.load(folder / "runs" / "brain-marked" / uri).dataobj) > 0
            truth = np.asanyarray(nibabel.load(folder / "heads" / "real" / reference / record).dataobj) > 0
            (told,) = [one["value"] for one in figures["groups"]["pose"][pose] if one["figure"] == "macro_dice"]
            assert told == pytest.approx(dice(mask, truth), abs=1e-6)


def test_the_references_and_a_guess_without_a_network_agree_as_the_documentation_says(folder: Path) -> None:
    bet, better, laid = extraction("ch2bet"), extraction("ch2better"), laid_over(read_colin())
    assert dice(bet, better) == pytest.approx(0.950, abs=5e-4)
    assert dice(laid, bet) == pytest.approx(0.948, abs=5e-4)
    assert dice(laid, better) == pytest.approx(0.922, abs=5e-4)
    turned = nibabel.load(folder / "heads" / "real" / "ch2bet" / "ch2-turned.nii.gz")
    assert dice(laid_over(turned), np.asanyarray(turned.dataobj) > 0) == pytest.approx(0.832, abs=5e-4)
