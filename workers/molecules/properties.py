"""Physico-chemical properties by the names that a model directory and the columns have. Imports RDKit when asked."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.outputs import OutputField

_MOL = "rdkit.Chem.rdMolDescriptors"


@dataclass(frozen=True)
class Property:
    """`function` of `module` takes a molecule of RDKit and gives a number."""

    meaning: str
    module: str
    function: str
    is_count: bool = False


PROPERTIES: dict[str, Property] = {
    "tpsa": Property("topological polar surface area in square angstroms, of N and O (Ertl 2000)", _MOL, "CalcTPSA"),
    "logp": Property("octanol-water partition, logarithm (Wildman and Crippen 1999)", "rdkit.Chem.Crippen", "MolLogP"),
    "molar_refractivity": Property("molar refractivity (Wildman and Crippen 1999)", "rdkit.Chem.Crippen", "MolMR"),
    "molecular_weight": Property("average molecular weight in daltons", "rdkit.Chem.Descriptors", "MolWt"),
    "exact_mass": Property("mass of the most common isotopes in daltons", _MOL, "CalcExactMolWt"),
    "qed": Property("quantitative estimate of drug-likeness, weighted (Bickerton 2012)", "rdkit.Chem.QED", "qed"),
    "fraction_csp3": Property("share of carbons that are sp3", _MOL, "CalcFractionCSP3"),
    "labute_asa": Property("approximate surface area in square angstroms (Labute 2000)", _MOL, "CalcLabuteASA"),
    "bertz_complexity": Property("complexity index (Bertz 1981)", "rdkit.Chem.GraphDescriptors", "BertzCT"),
    "h_bond_donors": Property("hydrogen bond donors", _MOL, "CalcNumHBD", True),
    "h_bond_acceptors": Property("hydrogen bond acceptors", _MOL, "CalcNumHBA", True),
    "lipinski_donors": Property("N-H and O-H bonds (Lipinski 1997)", _MOL, "CalcNumLipinskiHBD", True),
    "lipinski_acceptors": Property("N and O atoms (Lipinski 1997)", _MOL, "CalcNumLipinskiHBA", True),
    "rotatable_bonds": Property("rotatable bonds", _MOL, "CalcNumRotatableBonds", True),
    "rings": Property("rings of the smallest set", _MOL, "CalcNumRings", True),
    "aromatic_rings": Property("aromatic rings", _MOL, "CalcNumAromaticRings", True),
    "heavy_atoms": Property("atoms other than hydrogen", _MOL, "CalcNumHeavyAtoms", True),
    "hetero_atoms": Property("atoms other than carbon and hydrogen", _MOL, "CalcNumHeteroatoms", True),
    "stereo_centres": Property("atoms that are stereo centres, said or not", _MOL, "CalcNumAtomStereoCenters", True),
    "formal_charge": Property("net charge", "rdkit.Chem", "GetFormalCharge", True),
}


def output_fields(names: Sequence[str]) -> tuple[OutputField, ...]:
    """A column a property: float64, or int32 where it counts."""
    return tuple(
        OutputField(name=name, type="int32" if one.is_count else "float64", meaning=one.meaning, total="mean")
        for name in names
        for one in (PROPERTIES[name],)
    )


def functions(names: Sequence[str]) -> list[Callable[[Any], float]]:
    """RDKit's own function for each property."""
    return [getattr(importlib.import_module(PROPERTIES[name].module), PROPERTIES[name].function) for name in names]
