from __future__ import annotations

import pytest
from rdkit import Chem

from schemas.errors import RecordError
from schemas.status import Status
from workers.molecules.chemistry import Standardizer, names, parse, silence


@pytest.fixture(autouse=True)
def _quiet() -> None:
    silence()


@pytest.mark.parametrize("smiles", ["not a molecule", "C(", "c1ccc", "C(C)(C)(C)(C)C", "[Xx]"])
def test_what_rdkit_cannot_read_is_unreadable_and_is_not_quoted(smiles: str) -> None:
    with pytest.raises(RecordError, match="RDKit cannot read the SMILES") as caught:
        parse(smiles, 10)
    assert caught.value.status == Status.UNREADABLE
    assert smiles not in str(caught.value)


def test_hydrogens_do_not_count_as_atoms_and_the_limit_is_within() -> None:
    assert parse("C" * 10, 10).GetNumHeavyAtoms() == 10
    assert parse("[H]C([H])([H])[H]", 1).GetNumHeavyAtoms() == 1
    with pytest.raises(RecordError, match="more than 10 heavy atoms") as caught:
        parse("C" * 11, 10)
    assert caught.value.status == Status.TOO_LARGE


def test_names_are_the_canonical_smiles_and_the_inchikey() -> None:
    assert names(parse("OCC", 10)) == ("CCO", "LFQSCWFLJHTTHZ-UHFFFAOYSA-N")
    assert names(parse("C[C@H](N)C(=O)O", 10))[1] != names(parse("C[C@@H](N)C(=O)O", 10))[1]


def test_a_query_has_no_inchikey() -> None:
    canonical, key = names(Chem.MolFromSmarts("[#6,#7]~[*]"))
    assert canonical
    assert key is None


def test_steps_are_done_in_the_order_given() -> None:
    salt = parse("[Na+].CC(=O)[O-]", 10)
    assert names(Standardizer([])(salt))[0] == "CC(=O)[O-].[Na+]"
    assert names(Standardizer(["largest_fragment", "uncharge"])(salt))[0] == "CC(=O)O"
    # Uncharged first, the salt has nothing to take a proton from.
    assert names(Standardizer(["uncharge", "largest_fragment"])(salt))[0] == "CC(=O)[O-]"
