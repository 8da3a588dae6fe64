"""Archives that would run code in torch's own loader, ask for too much, or are not what they say."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.errors import SecurityError, SpecError
from tests.support.exported_programs import ROOT, changed, in_json, save, small
from workers.models.exported.archive import Archive
from workers.models.exported.network import ExportedNetwork, load_network
from workers.models.exported.program import read_program

GIVEN = torch.rand(2, 1, 8, 8, 8, generator=torch.Generator().manual_seed(1))
Change = Callable[[Any], None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(small(), GIVEN, tmp_path_factory.mktemp("sound") / "model.pt2", {0: torch.export.Dim("n")})


def load(path: Path) -> ExportedNetwork:
    archive = Archive(path)
    return load_network(archive, read_program(archive.program(), str(path)))


def node(program: Any, place: int = 0) -> Any:
    return program["graph_module"]["graph"]["nodes"][place]


class Bomb:
    """What a pickle can do."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._trace}",)


def test_a_pickle_among_sample_inputs_is_not_opened(sound: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    path = changed(sound, tmp_path / "model.pt2", sample=lambda _: pickle.dumps(Bomb(trace)))
    with torch.inference_mode():
        assert torch.equal(load(path)(GIVEN), small()(GIVEN))
    assert not trace.exists()


def test_a_pickle_among_weights_is_refused(sound: Path, tmp_path: Path) -> None:
    def change(weights: Any) -> None:
        weights["config"]["first.weight"]["use_pickle"] = True

    with pytest.raises(SecurityError, match=r"'first.weight' is a pickle, which can run code"):
        load(changed(sound, tmp_path / "model.pt2", weights=in_json(change)))


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "a/../b", ""])
def test_weights_lie_in_their_folder_of_the_archive(sound: Path, tmp_path: Path, name: str) -> None:
    def change(weights: Any) -> None:
        weights["config"]["first.weight"]["path_name"] = name

    with pytest.raises(SecurityError, match="outside of the archive's folder"):
        load(changed(sound, tmp_path / "model.pt2", weights=in_json(change)))


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "torch.os.system",
        "torch.ops.aten.os.system",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.conv3d.default.__globals__",
        "torch.ops.aten.as_strided.default",
        "torch.ops.aten.relu.out",
        "torch.ops.higher_order.cond",
        "torch.ops.higher_order.wrap_with_set_grad_enabled",
        "torch.ops.mylib.run.default",
        "_operator.attrgetter",
        "_operator.methodcaller",
        "builtins.eval",
        "math.floor",
        "",
    ],
)
def test_only_listed_operators_are_called(sound: Path, tmp_path: Path, target: str) -> None:
    path = changed(sound, tmp_path / "model.pt2", program=in_json(lambda value: node(value).update(target=target)))
    with pytest.raises(SecurityError, match="not among the operators that may be"):
        load(path)


@pytest.mark.parametrize(
    "argument",
    [
        {"as_graph": {"name": "g", "graph": {}}},
        {"as_custom_obj": {"name": "o", "class_fqn": "os"}},
        {"as_operator": "os.system"},
        {"as_device": {"type": "cuda", "index": 0}},
        {"as_string_to_argument": {}},
        {"as_complex": {"real": 1, "imag": 0}},
    ],
    ids=lambda argument: next(iter(argument)),
)
def test_arguments_are_numbers_and_tensors(sound: Path, tmp_path: Path, argument: Any) -> None:
    def change(program: Any) -> None:
        node(program)["inputs"][-1]["arg"] = argument

    with pytest.raises(SecurityError, match="an argument that is no number or tensor"):
        load(changed(sound, tmp_path / "model.pt2", program=in_json(change)))


@pytest.mark.parametrize("where", ["input", "between", "guards", "hint"])
def test_no_expression_is_evaluated(sound: Path, tmp_path: Path, where: str) -> None:
    trace = tmp_path / "trace"
    code = f"__import__('os').system('touch {trace}')"

    def change(program: Any) -> None:
        values = program["graph_module"]["graph"]["tensor_values"]
        if where == "guards":
            program["guards_code"] = [code]
        elif where == "hint":
            values["windows"]["sizes"][0]["as_expr"]["hint"] = {"as_int": code}
        else:
            name = "windows" if where == "input" else next(name for name in values if name.startswith("conv3d"))
            values[name]["sizes"][0] = {"as_expr": {"expr_str": code}}

    path = changed(sound, tmp_path / "model.pt2", program=in_json(change))
    if where == "input":
        with pytest.raises(SpecError, match="neither fixed nor free"):
            load(path)
    else:
        with torch.inference_mode():
            assert torch.equal(load(path)(GIVEN), small()(GIVEN))
    assert not trace.exists()


def test_an_archive_that_swells_is_refused(sound: Path, tmp_path: Path) -> None:
    packed = tmp_path / "model.pt2"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{ROOT}archive_format", "pt2")
        archive.writestr(f"{ROOT}data/weights/weight_0", bytes(1 << 24))
    with pytest.raises(SecurityError, match="compressed or too many"):
        Archive(packed)


def test_a_weight_of_more_numbers_than_bytes_is_refused(sound: Path, tmp_path: Path) -> None:
    def change(weights: Any) -> None:
        meta = weights["config"]["first.weight"]["tensor_meta"]
        meta["sizes"] = [{"as_int": 1 << 30}, *meta["sizes"][1:]]
        meta["strides"] = [{"as_int": 0} for _ in meta["strides"]]

    with pytest.raises(SpecError, match=r"tensor 'first.weight' cannot be read"):
        load(changed(sound, tmp_path / "model.pt2", weights=in_json(change)))


def _twice(program: Any) -> None:
    node(program, 1)["outputs"] = node(program, 0)["outputs"]


def _early(program: Any) -> None:
    node(program)["inputs"][0]["arg"] = {"as_tensor": {"name": "add"}}


def _training(program: Any) -> None:
    for one in program["graph_module"]["graph"]["nodes"]:
        for given in one["inputs"]:
            if given["name"] in ("train", "training"):
                given["arg"] = {"as_bool": True}


def _mutates(program: Any) -> None:
    specs = program["graph_module"]["signature"]["output_specs"]
    specs.append({"buffer_mutation": {"arg": {"name": "add"}, "buffer_name": "norm.running_mean"}})


def _version(program: Any) -> None:
    program["schema_version"]["major"] = 9


def _truth(program: Any) -> None:
    node(program)["inputs"][-1]["arg"] = {"as_bool": "False"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_twice, "uses a value that is not there yet, or gives one twice"),
        (_early, "uses a value that is not there yet, or gives one twice"),
        (_training, "exported while the network was in training"),
        (_mutates, "must give one tensor, and change none"),
        (_version, "its schema has version 9"),
        (_truth, "an argument of another type than it says"),
        (lambda program: program.pop("graph_module"), "not as torch.export writes it"),
        (lambda program: node(program).update(inputs=5), "not as torch.export writes it"),
        (lambda program: node(program).update(outputs=[]), "a step without a result"),
    ],
)
def test_a_program_that_is_in_disorder_is_told(sound: Path, tmp_path: Path, change: Change, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load(changed(sound, tmp_path / "model.pt2", program=in_json(change)))


@pytest.mark.parametrize("body", [b"", b"PK", b"\x80\x04K\x01.", b"{}"])
def test_what_is_no_archive_is_told(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "model.pt2"
    path.write_bytes(body)
    with pytest.raises(SpecError, match="is not a zip that can be read"):
        Archive(path)


def test_an_archive_cut_or_changed_anywhere_is_an_error_of_ours(sound: Path, tmp_path: Path) -> None:
    body, path = sound.read_bytes(), tmp_path / "model.pt2"
    for at in range(7, len(body), max(1, len(body) // 60)):
        path.write_bytes(body[:at])
        with pytest.raises((SpecError, SecurityError)):
            load(path)
        path.write_bytes(body[:at] + bytes((body[at] ^ 0x41,)) + body[at + 1 :])
        try:
            load(path)
        except (SpecError, SecurityError):
            continue
