"""What RDKit makes of one molecule, good or bad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem, Crippen, Descriptors, rdMolDescriptors
from rdkit.Chem.MolStandardize import rdMolStandardize

from schemas.errors import RecordError
from workers.children.contract import Item
from workers.molecules.handler import build
from workers.molecules.properties import PROPERTIES

ASPIRIN = "O=C(C)Oc1ccccc1C(=O)O"
SALT = "[Na+].CC(=O)[O-].O"


def made(smiles: str, standardize: tuple[str, ...] = (), wants: tuple[Any, ...] = (), max_atoms: int = 2000) -> Item:
    handler = build({"standardize": list(standardize), "max_atoms": max_atoms, "wants": list(wants)})
    return handler(memoryview(smiles.encode()), {})


def test_the_canonical_smiles_and_the_inchikey_are_rdkits() -> None:
    meta = made(ASPIRIN).meta
    assert meta == {"canonical": "CC(=O)Oc1ccccc1C(=O)O", "inchikey": "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"}


def test_however_it_is_written_a_molecule_has_one_canonical_form() -> None:
    molecule = Chem.MolFromSmiles(ASPIRIN)
    forms = {Chem.MolToRandomSmilesVect(molecule, 1, randomSeed=seed)[0] for seed in range(1, 20)}
    assert len(forms) > 5
    assert {made(form).meta["canonical"] for form in forms} == {"CC(=O)Oc1ccccc1C(=O)O"}


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ((), "CC(=O)[O-].O.[Na+]"),
        (("largest_fragment",), "CC(=O)[O-]"),
        (("largest_fragment", "uncharge"), "CC(=O)O"),
        (("cleanup", "largest_fragment", "uncharge"), "CC(=O)O"),
    ],
)
def test_standardising_is_what_mol_standardize_does(steps: tuple[str, ...], left: str) -> None:
    assert made(SALT, steps).meta["canonical"] == left


def test_cleanup_normalises_groups() -> None:
    found = made("CN(=O)=O", ("cleanup",)).meta["canonical"]
    assert found == Chem.MolToSmiles(rdMolStandardize.Cleanup(Chem.MolFromSmiles("CN(=O)=O"))) == "C[N+](=O)[O-]"


def test_properties_are_rdkits_own_in_the_order_asked_for() -> None:
    molecule = Chem.MolFromSmiles(ASPIRIN)
    asked = ["molecular_weight", "tpsa", "logp", "h_bond_donors", "rotatable_bonds"]
    (found,) = made(ASPIRIN, wants=({"properties": asked},)).arrays
    assert found.tolist() == [
        Descriptors.MolWt(molecule),
        rdMolDescriptors.CalcTPSA(molecule),
        Crippen.MolLogP(molecule),
        1,
        rdMolDescriptors.CalcNumRotatableBonds(molecule),
    ]


def test_every_property_that_can_be_asked_for_is_a_number() -> None:
    (found,) = made(ASPIRIN, wants=({"properties": list(PROPERTIES)},)).arrays
    assert found.shape == (len(PROPERTIES),)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("features", [False, True])
def test_fingerprints_are_those_of_rdkits_older_functions_too(counts: bool, features: bool) -> None:
    settings = {"radius": 2, "bits": 1024, "counts": counts, "chirality": False, "features": features}
    (found,) = made(ASPIRIN, wants=({"fingerprint": settings},)).arrays
    molecule = Chem.MolFromSmiles(ASPIRIN)
    older = AllChem.GetHashedMorganFingerprint(molecule, 2, 1024, useFeatures=features).GetNonzeroElements()
    values = found if counts else np.unpackbits(found, count=1024)
    assert {int(bit): int(values[bit]) for bit in np.flatnonzero(values)} == {
        bit: count if counts else 1 for bit, count in older.items()
    }


@pytest.mark.parametrize(
    ("smiles", "status"),
    [
        ("C(C", "unreadable"),
        ("C1CC", "unreadable"),
        ("CC(C)(C)(C)(C)C", "unreadable"),
        ("c1cccc1", "unreadable"),
        ("[Xx]", "unreadable"),
        ("not a molecule at all", "unreadable"),
        ("(" * 9_000, "unreadable"),
        ("C1" * 5_000, "unreadable"),
        ("C" * 9_000, "too_large"),
        ("C1CC1" * 1_000, "too_large"),
        ("C(" * 4_500 + "C" + ")" * 4_500, None),
    ],
)
def test_what_rdkit_cannot_read_has_a_status_and_nothing_of_it_is_printed(
    smiles: str, status: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RecordError) as error:
        made(smiles)
    assert error.value.status in ({status} if status else {"unreadable", "too_large"})
    assert smiles[:12] not in error.value.detail
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def test_rings_nested_in_rings_are_read() -> None:
    ladder = "C1CC2CC3CC4CC5CC6CC7CC8CC9CC%10CC%11CCC%11C%10C9C8C7C6C5C4C3C2C1"
    assert made(ladder).meta["canonical"] == Chem.CanonSmiles(ladder)


def test_a_molecule_that_inchi_has_no_name_for_has_none() -> None:
    meta = made("C*C").meta
    assert meta["inchikey"] is None
    assert meta["canonical"] == "*" or Chem.MolFromSmiles(meta["canonical"]) is not None
