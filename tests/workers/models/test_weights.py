from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from schemas.errors import SecurityError, SpecError
from workers.models.weights import fill, read_tensors


def network() -> nn.Module:
    with torch.device("meta"):
        return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def tensors() -> dict[str, torch.Tensor]:
    made = {
        "0.weight": torch.arange(6.0).reshape(3, 2),
        "0.bias": torch.zeros(3),
        "1.weight": torch.ones(3),
        "1.bias": torch.zeros(3),
        "1.running_mean": torch.zeros(3),
        "1.running_var": torch.ones(3),
    }
    return made | {"1.num_batches_tracked": torch.tensor(7)}


def test_a_network_gets_its_weights_as_float32_and_its_counters_as_they_are() -> None:
    filled, given = network(), {name: t.half() if t.is_floating_point() else t for name, t in tensors().items()}
    fill(filled, given, "x")
    assert {t.dtype for name, t in filled.state_dict().items() if "num" not in name} == {torch.float32}
    assert filled.state_dict()["1.num_batches_tracked"].item() == 7
    out = filled.eval()(torch.tensor([[1.0, 1.0]]))
    assert torch.allclose(out, torch.tensor([[1.0, 5.0, 9.0]]), atol=1e-3), "sums of the rows of the weight"


def test_weights_are_copied_so_that_nothing_changes_beneath_the_network() -> None:
    filled, given = network(), tensors()
    fill(filled, given, "x")
    given["0.weight"].fill_(9)
    assert filled.state_dict()["0.weight"][0, 1] == 1


def test_what_is_missing_too_many_or_of_another_shape_is_named() -> None:
    given = tensors()
    del given["0.bias"]
    with pytest.raises(
        SpecError, match=r"^x: does not fit the network: missing: 0\.bias\. Correct network and settings"
    ):
        fill(network(), given, "x")
    with pytest.raises(SpecError, match=r"unexpected: a, b, c, d, e and 1 more\. "):
        fill(network(), tensors() | {name: torch.ones(1) for name in "fedcba"}, "x")
    with pytest.raises(SpecError, match=r"of another shape: 0\.bias is \[4\], must be \[3\]\. "):
        fill(network(), tensors() | {"0.bias": torch.zeros(4)}, "x")


def test_tensors_of_a_file_are_those_that_were_saved(tmp_path: Path) -> None:
    save_file(tensors(), tmp_path / "model.safetensors")
    found = read_tensors(tmp_path / "model.safetensors")
    assert found.keys() == tensors().keys()
    assert torch.equal(found["0.weight"], tensors()["0.weight"])


@pytest.mark.parametrize(
    ("cut", "kind"), [(slice(0, -1), SpecError), (slice(0, 4), SpecError), (slice(0, 0), SpecError)]
)
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, cut: slice, kind: type[Exception]) -> None:
    save_file(tensors(), tmp_path / "whole")
    path = tmp_path / "model.safetensors"
    path.write_bytes((tmp_path / "whole").read_bytes()[cut])
    with pytest.raises(kind, match=r"model\.safetensors"):
        read_tensors(path)


def test_a_pickle_under_that_name_is_never_opened(tmp_path: Path) -> None:
    torch.save(tensors(), tmp_path / "model.safetensors")
    with pytest.raises(SecurityError, match="can run code when loaded"):
        read_tensors(tmp_path / "model.safetensors")


def test_a_name_that_stands_before_all_tensors_is_to_be_taken_off() -> None:
    given = {f"module.{name}": tensor for name, tensor in tensors().items()}
    with pytest.raises(SpecError, match=r"Take 'module\.' off the names"):
        fill(network(), given, "x")
