"""Archives of torch.export as models on volumes: the network's logits, clear errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.export import Dim

from schemas.errors import RecordError, SecurityError, SpecError
from schemas.status import Status
from tests.support.exported_programs import changed, in_json, save, small
from workers.contract import Placement
from workers.images.volumes import onnx_export
from workers.images.volumes.card import volume_card
from workers.images.volumes.formats.exported import FORMAT
from workers.models.detect import describe

SIDES = (8, 10, 12)
CARD: dict[str, Any] = {
    "format": "volume-pt2",
    "task": "segmentation",
    "head": {"activation": "softmax", "labels": ["background", "anterior", "posterior"]},
    "windows": {"roi": list(SIDES)},
    "prepare": [{"orient": {"axes": "RAS"}}],
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(small(), windows(2), tmp_path_factory.mktemp("exported") / "model.pt2", {0: Dim("n")})


def windows(count: int, sides: tuple[int, ...] = SIDES) -> torch.Tensor:
    return torch.rand((count, 1, *sides), generator=torch.Generator().manual_seed(1))


def write(folder: Path, archive: Path, **changes: Any) -> Path:
    (folder / "wardround.json").write_text(json.dumps({**CARD, **changes}))
    (folder / "model.pt2").write_bytes(archive.read_bytes())
    return folder


def test_logits_are_those_of_the_network(tmp_path: Path, archive: Path) -> None:
    kind, card = describe(write(tmp_path, archive), "images")
    volume = volume_card(card)
    assert (kind, card.channels, card.prepare) == ("volume-pt2", 1, ({"orient": {"axes": "RAS"}},))
    assert volume is not None
    assert [one.name for one in volume.structures] == ["anterior", "posterior"]
    model = FORMAT.load(tmp_path, card, Placement("cpu", 1))
    with torch.inference_mode():
        for count in (1, 3):
            torch.testing.assert_close(model.forward(windows(count)), small()(windows(count)), rtol=0, atol=1e-6)


def test_windows_that_do_not_fit_are_out_of_contract(tmp_path: Path, archive: Path) -> None:
    directory = write(tmp_path, archive)
    model = FORMAT.load(directory, FORMAT.describe(directory), Placement("cpu", 1))
    for given in (windows(1, (7, 10, 12)), windows(1).repeat(1, 2, 1, 1, 1)):
        with pytest.raises(RecordError) as error:
            model.forward(given)
        assert error.value.status is Status.OUT_OF_CONTRACT


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"windows": {"roi": [16, 16, 16]}}, "takes volumes of 8 x 10 x 12 voxels, windows.roi is 16 x 16 x 16"),
        ({"windows": None}, "takes volumes of 8 x 10 x 12 voxels: give 'windows'"),
        ({"task": "classification", "windows": None}, "gives 5 dimensions, a classification needs 2"),
        ({"head": {"activation": "softmax", "labels": ["background", "a"]}}, "head has 2 labels, the program gives 3"),
        ({"file": "other.pt2"}, "is not a zip that can be read"),
        ({"output": "logits"}, "unknown key 'output'"),
    ],
)
def test_a_card_that_does_not_fit_its_program_is_told(
    tmp_path: Path, archive: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        FORMAT.describe(write(tmp_path, archive, **changes))


def test_a_program_that_may_do_more_is_refused_before_a_worker_starts(tmp_path: Path, archive: Path) -> None:
    def change(program: Any) -> None:
        program["graph_module"]["graph"]["nodes"][0]["target"] = "os.system"

    directory = write(tmp_path, archive)
    changed(archive, directory / "model.pt2", program=in_json(change))
    with pytest.raises(SecurityError, match=r"calls 'os\.system'"):
        FORMAT.describe(directory)


def test_without_its_card_it_is_told_what_to_write(tmp_path: Path, archive: Path) -> None:
    (write(tmp_path, archive) / "wardround.json").unlink()
    with pytest.raises(SecurityError, match=r"format: volume-pt2"):
        describe(tmp_path, "images")


def test_it_is_not_exported_again(tmp_path: Path, archive: Path) -> None:
    card = FORMAT.describe(write(tmp_path, archive))
    volume = volume_card(card)
    assert volume is not None
    with pytest.raises(SpecError, match="is an exported network already"):
        onnx_export.export(tmp_path, card, volume)
