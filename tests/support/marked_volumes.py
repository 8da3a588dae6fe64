"""Marked volumes for the tests of outputs: grids of every orientation, planted bodies, the card of their model."""

import itertools

import numpy as np
from numpy.typing import NDArray

from workers.images.volumes.card import Structure, VolumeCard
from workers.images.volumes.outputs.marked import DicomSource, Marked, Origin, SourceSlice, Study
from workers.images.volumes.volume import Grid

NAMES = ("liver", "spleen", "left_kidney", "lesion")
CT = "1.2.840.10008.5.1.4.1.1.2"


def card(names: tuple[str, ...] = NAMES, activation: str = "softmax") -> VolumeCard:
    """A model that marks these, with labels 1, 2, ... ."""
    structures = [Structure(name=name, label=n, channel=n) for n, name in enumerate(names, 1)]
    return VolumeCard.model_validate(
        {
            "task": "segmentation",
            "channels": 1,
            "outputs": len(names) + 1,
            "activation": activation,
            "structures": [one.model_dump() for one in structures],
        }
    )


def turns() -> list[NDArray[np.float64]]:
    """The 48 ways to lay three axes along those of the patient, right- and left-handed."""
    found = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            turn = np.zeros((3, 3))
            turn[list(order), range(3)] = signs
            found.append(turn)
    return found


def affine(turn: NDArray[np.float64], spacing: tuple[float, float, float] = (0.7, 0.9, 2.5)) -> NDArray[np.float64]:
    """Axes i, j, k along the columns of `turn`, somewhere in the patient."""
    found = np.eye(4)
    found[:3, :3] = turn * np.array(spacing)
    found[:3, 3] = (-83.5, 41.25, 612.75)
    return found


def tilted() -> NDArray[np.float64]:
    """An oblique stack whose slices are each moved along the row, as a tilted gantry does: no axis is right-angled."""
    angle = np.deg2rad(18.5)
    turn = np.array([[1.0, 0, 0], [0, np.cos(angle), 0.0], [0, -np.sin(angle), 1.0]])
    yaw = np.deg2rad(7.0)
    around = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1.0]])
    return affine(around @ turn)


def planted(seed: int = 0, shape: tuple[int, int, int] = (29, 23, 17), count: int = 4) -> NDArray[np.uint8]:
    """Labels 1 to `count` as blobs with scattered voxels, some cut off by the border; nothing is symmetric."""
    random = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint8)
    places = np.indices(shape).reshape(3, -1).T
    for label in range(1, count + 1):
        centre, radii = random.uniform(0, 1, 3) * shape, random.uniform(2, 6, 3)
        inside = (((places - centre) / radii) ** 2).sum(1) < 1
        labels.reshape(-1)[inside] = label
        labels.reshape(-1)[random.integers(0, labels.size, 3)] = label
    return labels


def marked(labels: NDArray[np.uint8], at: NDArray[np.float64] | None = None, seed: int = 1) -> Marked:
    """The labels on a grid, over int16 intensities."""
    random = np.random.default_rng(seed)
    intensities = random.integers(-1024, 3000, labels.shape).astype(np.int16)
    return Marked(Grid(labels.shape, affine(np.diag([-1.0, -1.0, 1.0])) if at is None else at), intensities, labels)


def origin(slices: int, **others: object) -> Origin:
    """A run over a CT of so many slices."""
    given = tuple(SourceSlice(f"1.2.826.0.1.3680043.10.511.3.{n}", CT) for n in range(1, slices + 1))
    study = Study(
        study_uid="1.2.826.0.1.3680043.10.511.1",
        series_uid="1.2.826.0.1.3680043.10.511.2",
        frame_of_reference="1.2.826.0.1.3680043.10.511.4",
        modality="CT",
        patient_id="P1",
        study_date="20240229",
        study_time="101112",
    )
    values = {"volume_id": "series-1", "fingerprint": "ab" * 32, "model": "organs", "model_sha256": "cd" * 32}
    return Origin(**{**values, "source": DicomSource(study, given), **others})
