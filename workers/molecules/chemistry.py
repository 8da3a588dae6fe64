"""What RDKit does to one molecule: parse, standardise, name."""

from collections.abc import Callable, Sequence
from typing import Any

from rdkit import Chem, RDLogger
from rdkit.Chem.MolStandardize import rdMolStandardize

from schemas.errors import RecordError
from schemas.status import Status

_FAULTS = (ValueError, RuntimeError)
"""What RDKit raises for a molecule; its own message is dropped, since it quotes it."""


def silence() -> None:
    """RDKit writes molecules that it cannot read to its log."""
    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]  # of a C++ module that the stubs leave out


class Standardizer:
    """The steps of `workers.molecules.settings.MoleculesInput.standardize`, made once a process."""

    def __init__(self, steps: Sequence[str]) -> None:
        known: dict[str, Callable[[], Callable[[Any], Any]]] = {
            "cleanup": lambda: rdMolStandardize.Cleanup,
            "largest_fragment": lambda: rdMolStandardize.LargestFragmentChooser().choose,
            "uncharge": lambda: rdMolStandardize.Uncharger().uncharge,
        }
        self._steps = [known[name]() for name in steps]

    def __call__(self, molecule: Any) -> Any:
        """Raises RecordError (unreadable)."""
        try:
            for step in self._steps:
                molecule = step(molecule)
        except _FAULTS:
            raise RecordError(Status.UNREADABLE, "RDKit cannot standardise the molecule") from None
        return molecule


def parse(smiles: str, max_atoms: int) -> Any:
    """RDKit's molecule, sanitised. Raises RecordError: unreadable, too_large."""
    try:
        molecule = Chem.MolFromSmiles(smiles)
    except _FAULTS:
        molecule = None
    if molecule is None:
        raise RecordError(Status.UNREADABLE, "RDKit cannot read the SMILES")
    if molecule.GetNumHeavyAtoms() > max_atoms:
        raise RecordError(Status.TOO_LARGE, f"the molecule has more than {max_atoms} heavy atoms")
    return molecule


def names(molecule: Any) -> tuple[str, str | None]:
    """Canonical SMILES and InChIKey; None where InChI has none for it, as for queries and more than 1,024 atoms."""
    try:
        inchikey = Chem.MolToInchiKey(molecule)  # type: ignore[no-untyped-call]  # RDKit has no types for it
        return Chem.MolToSmiles(molecule), inchikey or None
    except _FAULTS:
        raise RecordError(Status.UNREADABLE, "RDKit cannot write the molecule") from None
