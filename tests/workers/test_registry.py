"""Every name leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from schemas.errors import MissingExtraError, SpecError
from workers import registry
from workers.contract import Format
from workers.ehr.events.contract import EventFormat
from workers.genomics.genotypes.contract import PanelFormat
from workers.genomics.sequences.contract import SequenceFormat
from workers.images.contract import ImageFormat
from workers.images.volumes.contract import VolumeFormat
from workers.lookup import Names, Room, extra_of, import_ours
from workers.models.detect import Formats
from workers.molecules.contract import MoleculeFormat
from workers.text_models.contract import TextFormat

ROOT = Path(__file__).parents[2]
NETWORKS = [
    (collection, name)
    for collection, names in registry.NETWORKS.items()
    for name in names
    if name not in ("monai.ViT", "monai.UNETR", "monai.SwinUNETR")  # need a package of their own: test_monai_nets.py
]
FORMATS = [(collection, name) for collection, names in registry.FORMATS.items() for name in names]
ROOMS = {**registry.collections(), **registry.converters()}
CONTRACTS: dict[str, tuple[Any, ...]] = {
    "images": (ImageFormat, VolumeFormat),
    "notes": (TextFormat,),
    "events": (EventFormat,),
    "sequences": (SequenceFormat,),
    "genotypes": (PanelFormat, Format),
    "molecules": (MoleculeFormat, TextFormat),
}
"""Scoring files are matched, not loaded, and molecules have formats of texts too."""


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_has_its_settings_its_opener_and_a_module_of_stages(name: str) -> None:
    room = Room(ROOMS[name])
    assert room.get("settings", "INPUT").model_config["frozen"]
    assert callable(room.get("collection", "open_collection"))
    assert room.get("stages", "__name__") == f"{room.target}.stages"


@pytest.mark.parametrize(("collection", "name"), NETWORKS)
def test_a_network_has_frozen_settings_and_a_function_that_builds_it(collection: str, name: str) -> None:
    module = registry.networks(collection).load(name)
    assert module.Config.model_config["frozen"]
    assert module.Config.model_config["extra"] == "forbid"
    assert callable(module.build)


@pytest.mark.parametrize("name", [name for name in registry.NETWORKS["images"] if not name.startswith("monai.")])
def test_a_network_on_images_says_how_small_an_image_may_be(name: str) -> None:
    module = registry.networks("images").load(name)
    assert module.smallest_side(module.Config(in_channels=1, num_outputs=2)) >= 1


@pytest.mark.parametrize("name", registry.NETWORKS["events"])
def test_a_network_on_events_says_what_an_event_takes(name: str) -> None:
    module = registry.networks("events").load(name)
    network = module.build(module.Config(num_codes=5, num_outputs=2))
    assert network.bytes_per_event > 0
    assert all(callable(getattr(network, method)) for method in ("features", "head", "accelerate"))


@pytest.mark.parametrize(("collection", "name"), FORMATS)
def test_a_format_is_annotated_with_the_contract_of_its_collection_for_mypy_to_prove(
    collection: str, name: str
) -> None:
    contract = get_type_hints(registry.formats(collection).load(name))["FORMAT"]
    assert contract in CONTRACTS[collection]


@pytest.mark.parametrize(("collection", "name"), FORMATS)
def test_a_format_says_what_it_looks_for_and_finds_nothing_in_an_empty_folder(
    tmp_path: Path, collection: str, name: str
) -> None:
    found = Formats[Format](collection)[name]
    assert found.looks_for
    assert not found.recognises(tmp_path)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    known = "Known: .*densenet"
    with pytest.raises(SpecError, match=rf"^config: network 'resnett' is unknown, did you mean 'resnet'.* {known}"):
        registry.networks("images").load("resnett", "config")
    with pytest.raises(SpecError, match=r"input\.collection True is unknown"):
        registry.collections().require(True)


@pytest.mark.parametrize(
    ("target", "extra"),
    [
        ("workers.images.networks.resnet", "images"),
        ("workers.ehr.notes", "ehr"),
        ("workers.ehr.convert_fhir", "ehr"),
        ("workers.genomics.convert_vcf", "genomics"),
        ("jobs.predict:KIND", "all"),
    ],
)
def test_the_extra_follows_from_the_path_and_is_one_of_the_package(target: str, extra: str) -> None:
    assert extra_of(target) == extra
    assert re.search(rf"^{extra} = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


def test_a_missing_package_says_which_extra_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needs_more.py").write_text("import surely_not_installed.inner\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=r"'surely_not_installed'.*pip install 'wardround\[molecules\]'"):
        Names("model format", {"x": "needs_more"}, extra="molecules").load("x")
    with pytest.raises(MissingExtraError, match=r"pip install 'wardround\[all\]'"):
        import_ours("needs_more")


def test_a_format_that_wings_share_asks_for_the_extra_of_its_collection() -> None:
    shared = {name: registry.formats(name)["text-embedding"].extra for name in ("notes", "molecules")}
    assert shared == {"notes": "ehr", "molecules": "molecules"}


def test_describing_imports_no_torch_nor_onnxruntime_nor_transformers() -> None:
    names = ", ".join(repr(path) for table in registry.FORMATS.values() for path in table.values())
    code = (
        f"import importlib, sys; [importlib.import_module(n) for n in ({names}, 'workers.models.detect')];"
        "late = ('torch', 'onnx', 'onnxruntime', 'transformers', 'cv2', 'spacy', 'nltk');"
        "print([n for n in late if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
