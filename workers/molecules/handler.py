"""One molecule where RDKit runs: in a child process, so that a native crash takes no row with it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from rdkit.Chem import rdFingerprintGenerator

from schemas.errors import RecordError
from schemas.status import Status
from workers.children.contract import Handler, Item
from workers.molecules.chemistry import Standardizer, names, parse, silence
from workers.molecules.contract import Numbers
from workers.molecules.properties import functions

Compute = Callable[[Any], Numbers]
_MOST_COUNTED = 65_535


def build(settings: Mapping[str, Any]) -> Handler:
    """`settings`: `standardize`, `max_atoms`; `wants`, one entry for each array that comes back, in order:

    {"properties": ["tpsa", ...]}                                             float64, one each
    {"fingerprint": {"radius": 2, "bits": 2048, "counts": false, ...}}        uint8 packed bits, or uint16 counts

    `meta` has `canonical` and `inchikey`.
    """
    silence()
    standardize = Standardizer(settings["standardize"])
    wanted = [_compute(wants) for wants in settings["wants"]]

    def handle(data: memoryview, context: Mapping[str, Any]) -> Item:
        molecule = standardize(parse(bytes(data).decode(), settings["max_atoms"]))
        if not molecule.GetNumAtoms():
            raise RecordError(Status.EMPTY, "the molecule has no atoms")
        canonical, inchikey = names(molecule)
        try:
            arrays = [compute(molecule) for compute in wanted]
        except (ValueError, RuntimeError, OverflowError, ZeroDivisionError):
            raise RecordError(Status.UNREADABLE, "RDKit cannot compute the numbers of the molecule") from None
        return Item(arrays, {"canonical": canonical, "inchikey": inchikey})

    return handle


def _compute(wants: Mapping[str, Any]) -> Compute:
    if "properties" in wants:
        found = functions(wants["properties"])
        return lambda molecule: np.array([function(molecule) for function in found], np.float64)
    return _fingerprint(**wants["fingerprint"])


def _fingerprint(radius: int, bits: int, counts: bool, chirality: bool, features: bool) -> Compute:
    invariants = rdFingerprintGenerator.GetMorganFeatureAtomInvGen() if features else None
    generator = rdFingerprintGenerator.GetMorganGenerator(
        radius=radius, fpSize=bits, includeChirality=chirality, atomInvariantsGenerator=invariants
    )
    if counts:
        return lambda molecule: np.minimum(generator.GetCountFingerprintAsNumPy(molecule), _MOST_COUNTED).astype(
            np.uint16
        )
    return lambda molecule: np.packbits(generator.GetFingerprintAsNumPy(molecule))
