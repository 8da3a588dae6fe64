"""Molecules through whole runs: RDKit's own table, transformers' own scores, and no row lost whatever a row holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from rdkit import Chem, RDConfig
from rdkit.Chem import rdFingerprintGenerator
from safetensors.torch import save_file
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from schemas.errors import SpecError
from tests.support.runs import rows, run
from tests.support.text_models import save_model
from workers.molecules.networks import fingerprint_mlp

NCI = Path(RDConfig.RDDataDir) / "NCI"
BAD = [None, "", "C(C", "C" * 10_001, "C" * 9_000, "(" * 9_000, "C1CC2CC1" * 900]
WRONG = ["empty", "empty", "unreadable", "too_large", "too_large", "unreadable", "too_large"]


def nci(count: int) -> list[str]:
    lines = (NCI / "first_5K.smi").read_text().splitlines()
    return [line.split("\t")[0] for line in lines[:count]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("molecules")
    properties(folder / "props", "tpsa", "molecular_weight", "heavy_atoms")
    save_model(folder / "tox", "roberta", "SequenceClassification", id2label={0: "No", 1: "Weak", 2: "Yes"})
    save_model(folder / "vectors", "roberta", "")
    (folder / "vectors" / "wardround.json").write_text(
        json.dumps({"format": "text-embedding", "pooling": ["mean"], "normalize": False})
    )
    save_mlp(folder / "mlp")
    given = [*nci(60), *BAD]
    ids = [f"m{number}" for number in range(len(given))]
    pl.DataFrame({"id": ids, "smiles": given}, schema={"id": pl.String, "smiles": pl.String}).write_parquet(
        folder / "in.parquet"
    )
    return folder


def properties(directory: Path, *names: str) -> None:
    directory.mkdir()
    config = {"format": "properties", "format_version": 1, "properties": names}
    (directory / "config.json").write_text(json.dumps(config))


def save_mlp(directory: Path) -> None:
    directory.mkdir()
    settings = {"num_inputs": 512, "num_outputs": 2, "hidden": [16], "norm": "batch"}
    config = {
        "format": "fingerprint",
        "format_version": 1,
        "settings": settings,
        "fingerprint": {"radius": 3, "bits": 512, "chirality": True},
        "head": {"activation": "sigmoid", "labels": ["hERG", "AMES"]},
    }
    (directory / "config.json").write_text(json.dumps(config))
    save_file(mlp().state_dict(), directory / "model.safetensors")


def mlp() -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        config = fingerprint_mlp.Config(num_inputs=512, num_outputs=2, hidden=(16,), norm="batch")
        network = fingerprint_mlp.build(config)
        network.norms[0].running_mean.normal_()
        network.norms[0].running_var.uniform_(0.5, 2.0)
    return network.eval()


def spec(source: str, models: dict[str, Path], out: Path, shard_records: int = 1000, more: str = "") -> str:
    listed = ", ".join(f"{name}: {{uri: {uri}}}" for name, uri in models.items())
    return f"""
job: predict
name: molecules
input: {{collection: molecules, {source}}}
models: {{{listed}}}
output: {{uri: {out}}}
limits: {{max_rejects: 60%}}
compute: {{pool: serial, workers: 1, cpus_per_worker: 1, shard_records: {shard_records}}}
{more}
"""


def test_tpsa_of_the_packaged_nci_set_is_rdkits_own_table(folder: Path, tmp_path: Path) -> None:
    properties(tmp_path / "tpsa", "tpsa")
    run(spec(f"uri: {NCI / 'first_5K.smi'}", {"tpsa": tmp_path / "tpsa"}, tmp_path / "out", 2000))
    table = [line.rsplit(",", 1) for line in (NCI / "first_5k.tpsa.csv").read_text().splitlines()[1:]]
    found = rows(tmp_path / "out")
    assert found["smiles"].to_list() == [smiles for smiles, _ in table]
    off = (found["tpsa"] - pl.Series([float(value) for _, value in table])).abs()
    # Those two are charged otherwise in the table: a perchloric acid, and a nitrone with a carbanion.
    unlike = found.filter(off > 0.005)["smiles"].to_list()
    assert unlike == ["CN(C)CCC1(CCN(C)C)C(=O)CCC2=C1C=CC=C2.OCl(=O)(=O)=O", "CCC1=C[N+](=O)[C-](C)C=C1"]
    refused = found.filter(pl.col("status") != "ok")
    assert refused["status"].to_list() == ["unreadable"] * 8
    assert all(Chem.MolFromSmiles(smiles) is None for smiles in refused["smiles"])


def test_every_model_gives_its_own_answer_whatever_the_shards(folder: Path, tmp_path: Path) -> None:
    models = {name: folder / name for name in ("props", "tox", "vectors", "mlp")}
    source = f"uri: {folder / 'in.parquet'}, record_id: id"
    for shard_records in (7, 1000):
        run(spec(source, models, tmp_path / str(shard_records), shard_records))
    small, large = (rows(tmp_path / str(shard_records)) for shard_records in (7, 1000))
    assert small.drop(pl.selectors.float(), "vectors__embedding").equals(
        large.drop(pl.selectors.float(), "vectors__embedding")
    )
    assert large["status"].to_list()[60:] == WRONG
    assert large["smiles"].to_list() == [*nci(60), *[None, None, "C(C", None], *BAD[4:]]
    for table in (small, large):
        check_text(folder, table)
        check_numbers(table)


def check_text(folder: Path, table: pl.DataFrame) -> None:
    """Both models of text against transformers, a molecule at a time."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "tox")
    classifier = AutoModelForSequenceClassification.from_pretrained(folder / "tox").eval()
    encoder = AutoModel.from_pretrained(folder / "vectors").eval()
    kept = table.filter(pl.col("tox__status") == "ok")
    assert len(kept) > 50
    for row in kept.iter_rows(named=True):
        tokens = tokenizer(row["canonical_smiles"], return_tensors="pt")
        with torch.inference_mode():
            scores = torch.softmax(classifier(**tokens).logits[0], 0).numpy()
            vector = encoder(**tokens).last_hidden_state[0].mean(0).numpy()
        found = [row[f"tox__score_{label}"] for label in ("no", "weak", "yes")]
        np.testing.assert_allclose(found, scores, rtol=0, atol=1e-5)
        np.testing.assert_allclose(row["vectors__embedding"], vector, rtol=0, atol=1e-5)


def check_numbers(table: pl.DataFrame) -> None:
    """The fingerprint network against its plain forward pass, names and properties against RDKit."""
    kept = table.filter(pl.col("status") == "ok")
    molecules = [Chem.MolFromSmiles(smiles) for smiles in kept["smiles"]]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=3, fpSize=512, includeChirality=True)
    bits = np.stack([generator.GetFingerprintAsNumPy(molecule) for molecule in molecules]).astype(np.float32)
    with torch.inference_mode():
        wanted = torch.sigmoid(mlp()(torch.from_numpy(bits))).numpy()
    found = kept.select("mlp__score_herg", "mlp__score_ames").to_numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
    assert found.std(axis=0).min() > 1e-3
    assert kept["canonical_smiles"].to_list() == [Chem.MolToSmiles(molecule) for molecule in molecules]
    assert kept["inchikey"].to_list() == [Chem.MolToInchiKey(molecule) for molecule in molecules]
    assert kept["props__heavy_atoms"].to_list() == [molecule.GetNumHeavyAtoms() for molecule in molecules]


def test_the_smiles_of_the_table_is_given_to_the_model_where_the_spec_says_so(folder: Path, tmp_path: Path) -> None:
    source = f"uri: {folder / 'in.parquet'}, record_id: id"
    given = "prepare: [{smiles: {form: given}}]"
    run(spec(source, {"tox": folder / "tox"}, tmp_path / "out", more=given))
    table = rows(tmp_path / "out").filter(pl.col("status") == "ok")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tox")
    assert table["n_tokens"].to_list() == [len(tokenizer(smiles)["input_ids"]) - 2 for smiles in table["smiles"]]
    assert table["n_tokens"].to_list() != [
        len(tokenizer(smiles)["input_ids"]) - 2 for smiles in table["canonical_smiles"]
    ]


def test_a_molecule_of_more_tokens_than_the_model_takes_is_out_of_contract(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("smiles\nCCO\n" + "CN" * 300 + "\n")
    run(spec(f"uri: {tmp_path / 'in.csv'}", {name: folder / name for name in ("tox", "props")}, tmp_path / "out"))
    table = rows(tmp_path / "out")
    assert table["record_id"].to_list() == ["in.csv#0", "in.csv#1"]
    assert table["status"].to_list() == ["ok", "ok"]
    assert table["tox__status"].to_list() == ["ok", "out_of_contract"]
    assert table["props__heavy_atoms"].to_list() == [3, 600]


def test_a_molecule_that_kills_rdkit_is_one_row_and_the_others_stay(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROUND_CRASH_AT", "decode.record:1:b")
    (tmp_path / "in.smi").write_text("CCO a\nCCN b\nCCC c\n")
    run(spec(f"uri: {tmp_path / 'in.smi'}", {"props": folder / "props"}, tmp_path / "out"))
    table = rows(tmp_path / "out")
    assert table["status"].to_list() == ["ok", "crashed_worker", "ok"]
    assert table["heavy_atoms"].to_list() == [3, None, 3]


def test_steps_that_molecules_do_not_have_are_named(folder: Path, tmp_path: Path) -> None:
    source = f"uri: {folder / 'in.parquet'}, record_id: id"
    with pytest.raises(SpecError, match="unknown step 'smile', did you mean 'smiles'"):
        run(spec(source, {"props": folder / "props"}, tmp_path / "out", more="prepare: [smile]"))
