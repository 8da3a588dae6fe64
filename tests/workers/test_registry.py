"""Every name leads somewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from schemas.errors import MissingExtraError, SpecError
from workers.contract import Format
from workers.models.detect import Formats
from workers.registry import (
    COLLECTIONS,
    CONVERTERS,
    EVENT_NETWORKS,
    FORMATS,
    MOLECULE_NETWORKS,
    NETWORKS,
    NOTE_NETWORKS,
    PANEL_NETWORKS,
    SEQUENCE_NETWORKS,
    resolve,
)

TABLES = (
    NETWORKS,
    NOTE_NETWORKS,
    EVENT_NETWORKS,
    PANEL_NETWORKS,
    SEQUENCE_NETWORKS,
    MOLECULE_NETWORKS,
    COLLECTIONS,
    CONVERTERS,
    *FORMATS.values(),
)
CONTRACTS = {
    "images": ("ImageFormat",),
    "notes": ("NoteFormat",),
    "events": ("EventFormat",),
    "sequences": ("SequenceFormat",),
    "genotypes": ("PanelFormat", "Format"),
    "molecules": ("MoleculeFormat", "NoteFormat"),
}
"""Scoring files are matched, not loaded, and molecules have formats of texts too."""
EVERY_FORMAT = [(collection, name) for collection, table in FORMATS.items() for name in table]


@pytest.mark.parametrize(("table", "name"), [(table, name) for table in TABLES for name in table])
def test_every_name_resolves(table, name):
    assert resolve(table, name, "thing").__name__ == table[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_config_build_and_smallest_side(name):
    module = resolve(NETWORKS, name, "network")
    config = module.Config(in_channels=1, num_outputs=2)
    assert module.smallest_side(config) >= 1
    assert config.model_config["frozen"]
    assert config.model_config["extra"] == "forbid"


@pytest.mark.parametrize("name", EVENT_NETWORKS)
def test_a_network_on_events_has_config_and_build(name):
    module = resolve(EVENT_NETWORKS, name, "network")
    network = module.build(module.Config(num_codes=5, num_outputs=2))
    assert network.bytes_per_event > 0
    assert all(callable(getattr(network, method)) for method in ("features", "head", "accelerate"))
    assert module.Config.model_config["frozen"]
    assert module.Config.model_config["extra"] == "forbid"


@pytest.mark.parametrize(("collection", "name"), EVERY_FORMAT)
def test_a_format_is_annotated_with_the_contract_of_its_collection_for_mypy_to_prove(collection, name):
    module = resolve(FORMATS[collection], name, "format")
    assert module.__annotations__["FORMAT"] in CONTRACTS[collection]


@pytest.mark.parametrize(("collection", "name"), EVERY_FORMAT)
def test_a_format_says_what_it_looks_for_and_finds_nothing_in_an_empty_folder(tmp_path, collection, name):
    found = Formats[Format](collection)[name]
    assert found.looks_for
    assert not found.recognises(tmp_path)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(SpecError, match="network 'resnett' is unknown, did you mean 'resnet'"):
        resolve(NETWORKS, "resnett", "network")


def test_a_missing_package_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import surely_not_installed.inner\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=r"pip install 'wardround\[images\]'"):
        resolve({"x": "needs_more"}, "x", "format")


def test_describing_imports_no_torch_nor_onnxruntime_nor_transformers():
    names = ", ".join(repr(path) for table in FORMATS.values() for path in table.values())
    code = (
        f"import importlib, sys; [importlib.import_module(n) for n in ({names}, 'workers.models.detect')];"
        "late = ('torch', 'onnx', 'onnxruntime', 'transformers', 'cv2', 'spacy', 'nltk');"
        "print([n for n in late if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
