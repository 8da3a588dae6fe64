"""Every way in which a series of an archive is not the clean one: variants of a series, and what each comes to."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.uid import MRImageStorage

from tests.support.dicom_files import stored
from tests.support.series import changed, renamed, shifted

Objects = list[Dataset | bytes]


@dataclass(frozen=True)
class Variant:
    """`make` takes the slices of a clean series in their order; `verdicts` are status and slices of each volume."""

    name: str
    make: Callable[[list[Dataset]], Objects]
    verdicts: Callable[[int], Sequence[tuple[str, int]]]


def _one_missing(slices: list[Dataset]) -> Objects:
    return [slice_ for index, slice_ in enumerate(slices) if index != 7]


def _truncated(slices: list[Dataset]) -> Objects:
    return [stored(slice_)[: -100 if index == 7 else None] for index, slice_ in enumerate(slices)]


def _duplicate(slices: list[Dataset]) -> Objects:
    again = copy.deepcopy(slices[7])
    renamed(again, "9")
    return [*slices, again]


def _other_pixels(slices: list[Dataset]) -> Objects:
    again = copy.deepcopy(slices[7])
    renamed(again, "9")
    again.PixelData = bytes(len(again.PixelData))
    return [*slices, again]


def _again(slices: list[Dataset], change: Callable[[Dataset, int], None]) -> list[Dataset]:
    """The slices and, as other instances with other numbers, the same after a change."""
    second = copy.deepcopy(slices)
    for index, slice_ in enumerate(second):
        renamed(slice_, "9")
        slice_.InstanceNumber = len(slices) + index + 1
        change(slice_, index)
    return [*slices, *second]


def _echoes(slices: list[Dataset]) -> Objects:
    for slice_ in slices:
        slice_.EchoTime = 4.92
    return list(_again(slices, lambda one, _: setattr(one, "EchoTime", 7.38)))


def _phases(slices: list[Dataset]) -> Objects:
    for slice_ in slices:
        slice_.TemporalPositionIdentifier = 1
    return list(_again(slices, lambda one, _: setattr(one, "TemporalPositionIdentifier", 2)))


def _localizer(slices: list[Dataset]) -> Objects:
    view = copy.deepcopy(slices[0])
    renamed(view, "9")
    view.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    view.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    return [*slices, view]


def _jitter(slices: list[Dataset]) -> Objects:
    rng = np.random.default_rng(11)
    return list(changed(slices, lambda one, _: shifted(one, rng.uniform(-0.05, 0.05))))


def _noise(slices: list[Dataset]) -> Objects:
    rng = np.random.default_rng(12)

    def noisy(slice_: Dataset, _: int) -> None:
        vectors = np.array(slice_.ImageOrientationPatient, float) + rng.uniform(-5e-5, 5e-5, 6)
        slice_.ImageOrientationPatient = [round(float(value), 10) for value in vectors]

    return list(changed(slices, noisy))


def _no_numbers(slices: list[Dataset]) -> Objects:
    for slice_ in slices:
        slice_.InstanceNumber = None
    return list(slices)


def _two_sizes(slices: list[Dataset]) -> Objects:
    def smaller(slice_: Dataset, _: int) -> None:
        half = slice_.pixel_array[::2, ::2]
        slice_.Rows, slice_.Columns = half.shape
        slice_.PixelData = half.tobytes()
        slice_.PixelSpacing = [2 * float(value) for value in slice_.PixelSpacing]

    return list(_again(slices, smaller))


def _rescaled(slices: list[Dataset]) -> Objects:
    def scaled(slice_: Dataset, index: int) -> None:
        slice_.RescaleSlope, slice_.RescaleIntercept = (1 if index == 0 else round(1 + index / 10, 1)), 0

    return list(changed(slices, scaled))


def _one_place(slices: list[Dataset]) -> Objects:
    place = slices[0].ImagePositionPatient
    return list(changed(slices, lambda one, _: setattr(one, "ImagePositionPatient", place)))


def _two_orientations(slices: list[Dataset]) -> Objects:
    def turned(slice_: Dataset, index: int) -> None:
        slice_.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        slice_.ImagePositionPatient = [-80 + 2.0 * index, -100, 90]

    return list(_again(slices, turned))


def _gaps(slices: list[Dataset]) -> Objects:
    steps = np.cumsum([0, 1.08, 4, 7, 2.5, 3.3, 1.7, 5.1, *[2.2] * len(slices)])

    def gapped(slice_: Dataset, index: int) -> None:
        shifted(slice_, float(steps[index]))

    return list(changed(slices, gapped))


def _enhanced(slices: list[Dataset]) -> Objects:
    """One object of two echoes, slice by slice."""
    return [
        enhanced(
            [slice_ for slice_ in slices for _ in range(2)],
            lambda index: {"place": index // 2 + 1, "dimension": index % 2 + 1, "echo": 5.0 + index % 2},
        )
    ]


VARIANTS = (
    Variant("clean", lambda slices: list(slices), lambda count: [("ok", count)]),
    Variant("one slice missing", _one_missing, lambda count: [("incomplete_series", count - 1)]),
    Variant("one slice cut off", _truncated, lambda count: [("incomplete_series", count)]),
    Variant("a copy", _duplicate, lambda count: [("ok", count)]),
    Variant("other pixels at one place", _other_pixels, lambda count: [("duplicate_conflict", count + 1)]),
    Variant("two echoes", _echoes, lambda count: [("ok", count), ("ok", count)]),
    Variant("two phases", _phases, lambda count: [("ok", count), ("ok", count)]),
    Variant("a localizer inside", _localizer, lambda count: [("ok", count), ("localizer", 1)]),
    Variant("jitter", _jitter, lambda count: [("ok", count)]),
    Variant("noise in the orientation", _noise, lambda count: [("ok", count)]),
    Variant("no instance numbers", _no_numbers, lambda count: [("ok", count)]),
    Variant("two sizes", _two_sizes, lambda count: [("ok", count), ("ok", count)]),
    Variant("rescale by slice", _rescaled, lambda count: [("ok", count)]),
    Variant("all at one place", _one_place, lambda count: [("not_a_volume", count)]),
    Variant("two orientations", _two_orientations, lambda count: [("ok", count), ("ok", count)]),
    Variant("many gaps", _gaps, lambda count: [("variable_spacing", count)]),
    Variant("enhanced, two echoes", _enhanced, lambda count: [("ok", count), ("ok", count)]),
)


def enhanced(slices: Sequence[Dataset], frame: Callable[[int], dict[str, object]]) -> Dataset:
    """An enhanced MR object whose frames are these slices. `frame(index)` says of each its `echo`, `phase` or `b`."""
    made = copy.deepcopy(slices[0])
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "EchoTime"):
        if keyword in made:
            delattr(made, keyword)
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.NumberOfFrames = len(slices)
    made.PixelData = b"".join(slice_.PixelData for slice_ in slices)
    shared = Dataset()
    shared.PixelMeasuresSequence = [_item(slices[0], "PixelSpacing", "SliceThickness")]
    shared.PlaneOrientationSequence = [_item(slices[0], "ImageOrientationPatient")]
    made.SharedFunctionalGroupsSequence = [shared]
    made.DimensionIndexSequence = [_pointer(0x00209056), _pointer(0x00209057), _pointer(0x00189082)]
    made.PerFrameFunctionalGroupsSequence = [_group(slice_, index, frame(index)) for index, slice_ in enumerate(slices)]
    return made


def _item(slice_: Dataset, *keywords: str) -> Dataset:
    made = Dataset()
    for keyword in keywords:
        setattr(made, keyword, slice_.get(keyword))
    return made


def _pointer(tag: int) -> Dataset:
    made = Dataset()
    made.DimensionIndexPointer = tag
    return made


def _group(slice_: Dataset, index: int, what: dict[str, object]) -> Dataset:
    group, content = Dataset(), Dataset()
    group.PlanePositionSequence = [_item(slice_, "ImagePositionPatient")]
    content.StackID, content.InStackPositionNumber = "1", what.get("place", index + 1)
    content.DimensionIndexValues = [1, content.InStackPositionNumber, what.get("dimension", 1)]
    if "phase" in what:
        content.TemporalPositionIndex = what["phase"]
    group.FrameContentSequence = [content]
    if "echo" in what:
        echo = Dataset()
        echo.EffectiveEchoTime = what["echo"]
        group.MREchoSequence = [echo]
    if "b" in what:
        diffusion = Dataset()
        diffusion.DiffusionBValue = what["b"]
        group.MRDiffusionSequence = [diffusion]
    return group


def mosaic(slices: Sequence[Dataset], across: int) -> Dataset:
    """A Siemens mosaic of the pixels and the geometry of these slices, `across` by `across` tiles."""
    made = copy.deepcopy(slices[0])
    rows, columns = made.Rows, made.Columns
    frame = np.zeros((across * rows, across * columns), slices[0].pixel_array.dtype)
    for index, slice_ in enumerate(slices):
        top, left = index // across * rows, index % across * columns
        frame[top : top + rows, left : left + columns] = slice_.pixel_array
    made.Rows, made.Columns, made.PixelData = *frame.shape, frame.tobytes()
    vectors = np.array(made.ImageOrientationPatient, float)
    between = np.array(slices[1].ImagePositionPatient, float) - np.array(made.ImagePositionPatient, float)
    back = vectors[:3] * float(made.PixelSpacing[1]) * columns * (across - 1) / 2
    back += vectors[3:] * float(made.PixelSpacing[0]) * rows * (across - 1) / 2
    made.ImagePositionPatient = [round(float(value), 6) for value in np.array(made.ImagePositionPatient, float) - back]
    made.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    made.Manufacturer, made.SOPClassUID = "SIEMENS", MRImageStorage
    made.SpacingBetweenSlices = round(float(np.linalg.norm(between)), 6)
    made.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", len(slices))
    block = made.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", csa(SliceNormalVector=between / np.linalg.norm(between)))
    return made


def quoted_protocol(slices: Sequence[Dataset]) -> bytes:
    """The series header of Siemens, as far as it says where the centres of these slices were planned."""
    lines = [f"sSliceArray.lSize\t = \t{len(slices)}"]
    for index, slice_ in enumerate(slices):
        vectors = np.array(slice_.ImageOrientationPatient, float)
        centre = np.array(slice_.ImagePositionPatient, float)
        centre += vectors[:3] * float(slice_.PixelSpacing[1]) * slice_.Columns / 2
        centre += vectors[3:] * float(slice_.PixelSpacing[0]) * slice_.Rows / 2
        for axis, value in zip(("Sag", "Cor", "Tra"), centre, strict=True):
            lines.append(f"sSliceArray.asSlice[{index}].sPosition.d{axis}\t = \t{value:.9f}")
    return ("### ASCCONV BEGIN ###\n" + "\n".join(lines) + "\n### ASCCONV END ###\n").encode()


def grid(slices: Sequence[Dataset], across: int, down: int) -> Dataset:
    """A grid of United Imaging of the pixels of these slices, whose positions stand in a private sequence."""
    made = mosaic(slices, across)
    rows = slices[0].Rows * down
    made.PixelData = made.pixel_array[:rows].tobytes()
    made.Rows = rows
    del made.ImagePositionPatient
    del made[0x00290010], made[0x00291010], made[0x00190010], made[0x0019100A]
    made.ImageType, made.Manufacturer = ["ORIGINAL", "PRIMARY", "M", "VFRAME"], "UIH"
    block = made.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x50, "DS", str(len(slices)))
    block.add_new(0x51, "SQ", [_item(slice_, "ImagePositionPatient") for slice_ in slices])
    return made


def csa(**numbers: Sequence[float] | np.ndarray) -> bytes:
    """A header in the vendor's second format with these numbers."""
    body = b"SV10\x04\x03\x02\x01" + len(numbers).to_bytes(4, "little") + (77).to_bytes(4, "little")
    for name, values in numbers.items():
        body += name.encode().ljust(64, b"\0") + (len(values)).to_bytes(4, "little") + b"FD\0\0"
        body += b"".join(number.to_bytes(4, "little") for number in (4, len(values), 77))
        for value in values:
            text = f"{value:.8f}".encode() + b"\0"
            body += b"".join(len(text).to_bytes(4, "little") for _ in range(1))
            body = body[:-4] + b"".join(
                number.to_bytes(4, "little") for number in (len(text), len(text), 77, len(text))
            )
            body += text.ljust((len(text) + 3) // 4 * 4, b"\0")
    return body
