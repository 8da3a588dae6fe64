"""Compares what this product makes of DICOM files with gdcm, dcmtk and pydicom, file by file.

`python -m tests.compare_dicom FOLDER... [--dcmtk FOLDER] [--out TABLE.csv]` looks at the first, middle and last frame
of every DICOM file below the folders and prints a table of verdicts, then every file that is not equal to a reference
and why. gdcm is the Python package; dcmtk are the commands dcmj2pnm and dcml2pnm, found by PATH or in `--dcmtk`. Each
reference reads in a process of its own, since some of them end it. Nothing is written but the table.

A reference's values are taken to what docs/pixels.md promises (rescale, palette, white at zero) by arithmetic here.
dcmtk gives a picture with 16 bits of grey: equal means that it is ours, stretched.
"""

from __future__ import annotations

import argparse
import csv
import logging
import multiprocessing
import shutil
import subprocess
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pydicom import Dataset, dcmread
from pydicom.pixels import apply_color_lut, apply_modality_lut, convert_color_space, pixel_array

from workers.images.decoding.decode import Decoded, decode
from workers.images.settings import ImagesInput

Array = NDArray[Any]

_SECONDS = 60
_LOSSY = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.91"})
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
# Two decoders of lossy JPEG, and two conversions to RGB, may round apart.
_ROUNDING = 4
_STRETCHED = 2


class Row(NamedTuple):
    """One file: what we make of it, and whether each reference agrees."""

    file: str
    syntax: str
    ours: str
    gdcm: str
    dcmtk: str
    pydicom: str
    detail: str


def compare(path: Path, dcmtk: Path | None) -> Row:
    """Our frames beside those of the references."""
    ours = decode(path.read_bytes(), ImagesInput(collection="images", uri="x", carry=()))
    wanted = _wanted(ours)
    frames = [] if ours.error else [_frame(path, index) for index in wanted]
    syntax = _syntax(path)
    found = {
        "gdcm": _apart(_by_gdcm, path, wanted),
        "dcmtk": _by_dcmtk(path, wanted, dcmtk, syntax) if dcmtk else "not here",
        "pydicom": _apart(_by_pydicom, path, wanted),
    }
    verdicts = {name: _verdict(frames, answer, name, syntax) for name, answer in found.items()}
    status = "ok" if ours.error is None else str(ours.error.status)
    return Row(str(path), syntax, status, **verdicts, detail="" if ours.error is None else ours.error.detail)


def _wanted(ours: Decoded) -> list[int]:
    return sorted({0, ours.n_frames // 2, max(ours.n_frames - 1, 0)})


def _frame(path: Path, index: int) -> Array | str:
    decoded = decode(path.read_bytes(), ImagesInput(collection="images", uri="x"), index)
    return str(decoded.error) if decoded.error else np.asarray(decoded.frames[0].pixels)


def _syntax(path: Path) -> str:
    try:
        return str(dcmread(path, force=True, stop_before_pixels=True).file_meta.get("TransferSyntaxUID", ""))
    except Exception:  # noqa: BLE001  whatever a damaged file makes pydicom raise
        return ""


def _verdict(ours: Sequence[Array | str], found: Sequence[Array] | str, name: str, syntax: str) -> str:
    if isinstance(found, str):
        return found
    if not ours:
        return "only it reads"
    worst = "equal"
    for our, its in zip(ours, found, strict=False):
        verdict = _difference(our, its, name, syntax)
        worst = verdict if verdict != "equal" else worst
    return worst


def _difference(ours: Array | str, its: Array, name: str, syntax: str) -> str:
    if isinstance(ours, str):
        return "only it reads"
    if ours.shape != its.shape:
        return f"DIFFERENT shape {ours.shape} {its.shape}"
    if name == "dcmtk" and ours.ndim == 2:
        return "equal" if _is_stretched(ours.astype(np.float64), its.astype(np.float64)) else "DIFFERENT"
    if name == "dcmtk":
        ours = ours >> (8 * ours.dtype.itemsize - 8)
    apart = float(np.max(np.abs(ours.astype(np.float64) - its.astype(np.float64)), initial=0))
    if apart == 0:
        return "equal"
    if apart <= _ROUNDING and (ours.ndim == 3 or syntax in _LOSSY):
        return "equal but for rounding"
    return f"DIFFERENT by up to {apart:g}"


def _is_stretched(ours: Array, its: Array) -> bool:
    """Whether 16-bit grey is a straight line of our values, from dark to bright."""
    low, high = ours.min(), ours.max()
    if low == high:
        return bool(its.min() == its.max())
    at_low, at_high = its[ours == low].mean(), its[ours == high].mean()
    step = (at_high - at_low) / (high - low)
    return bool(step > 0 and np.abs(at_low + (ours - low) * step - its).max() <= _STRETCHED)


def _apart(read: Callable[[Path, Sequence[int]], Sequence[Array]], path: Path, wanted: Sequence[int]) -> Any:
    """What a reference reads, in a process of its own; or how that ended."""
    context = multiprocessing.get_context("fork")
    mine, its = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(read, path, wanted, its))
    child.start()
    its.close()
    try:
        return mine.recv() if mine.poll(_SECONDS) else "took too long"
    except EOFError:
        return "crashed"
    finally:
        child.kill()
        child.join()


def _answer(read: Callable[[Path, Sequence[int]], Sequence[Array]], path: Path, wanted: Sequence[int], to: Any) -> None:
    try:
        to.send(read(path, wanted))
    except Exception as error:  # noqa: BLE001  a reference may raise anything
        to.send(f"refused ({type(error).__name__})")


def _by_pydicom(path: Path, wanted: Sequence[int]) -> Sequence[Array]:
    dataset = dcmread(path, force=True)
    stored = [pixel_array(dataset, index=index) for index in wanted]
    return [_finished(frame, dataset, index) for frame, index in zip(stored, wanted, strict=True)]


def _by_gdcm(path: Path, wanted: Sequence[int]) -> Sequence[Array]:
    import gdcm

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        raise ValueError("gdcm does not read it")
    image = reader.GetImage()
    dimensions = image.GetDimensions()
    kind = image.GetPixelFormat()
    samples = kind.GetSamplesPerPixel()
    bits = kind.GetBitsAllocated()
    raw = np.frombuffer(image.GetBuffer().encode("utf-8", "surrogateescape"), np.uint8)
    raw = np.unpackbits(raw, bitorder="little") if bits == 1 else raw.view(f"<u{bits // 8}")
    frames = dimensions[2] if len(dimensions) > 2 else 1
    size = dimensions[0] * dimensions[1] * samples
    stacked = raw[: frames * size].reshape(frames, -1)
    dataset = dcmread(path, force=True, stop_before_pixels=True)
    return [_finished(_by_pixel(stacked[index], image, dimensions, samples, kind), dataset, index) for index in wanted]


def _by_pixel(flat: Array, image: Any, dimensions: Sequence[int], samples: int, kind: Any) -> Array:
    columns, rows = dimensions[:2]
    if samples == 1:
        return _masked(flat.reshape(rows, columns), kind)
    if image.GetPlanarConfiguration():
        pixels = np.moveaxis(flat.reshape(samples, rows, columns), 0, -1)
    else:
        pixels = flat.reshape(rows, columns, samples)
    if image.GetPhotometricInterpretation().GetString().strip() in ("YBR_FULL", "YBR_FULL_422"):
        return convert_color_space(np.ascontiguousarray(pixels), "YBR_FULL", "RGB")
    return pixels


def _masked(flat: Array, kind: Any) -> Array:
    """BitsStored and HighBit by arithmetic."""
    container, stored = 8 * flat.dtype.itemsize, kind.GetBitsStored()
    shift = max(0, kind.GetHighBit() + 1 - stored)
    if kind.GetBitsAllocated() == 1:
        return flat
    left = container - stored - shift
    wide = flat << np.array(left, flat.dtype)
    signed = wide.view(f"i{flat.dtype.itemsize}") if kind.GetPixelRepresentation() else wide
    return signed >> np.array(container - stored, signed.dtype)


def _finished(stored: Array, dataset: Dataset, index: int) -> Array:
    """The steps of docs/pixels.md after the stored values."""
    photometric = str(dataset.get("PhotometricInterpretation")).strip().upper()
    if photometric == "PALETTE COLOR":
        return apply_color_lut(stored, _in_little_endian(dataset))[..., :3]
    if stored.ndim == 3:
        return stored
    slope, intercept = _rescale(dataset, index)
    if dataset.get("ModalityLUTSequence"):
        reachable = apply_modality_lut(np.arange(1 << dataset.BitsStored, dtype=np.uint32), dataset).astype(np.int64)
        looked_up = apply_modality_lut(stored, dataset)
        return reachable.min() + reachable.max() - looked_up if photometric == "MONOCHROME1" else looked_up
    values = stored if slope in (None, "", 0) or intercept in (None, "") else stored * float(slope) + float(intercept)
    if photometric == "MONOCHROME1":
        bits, signed = dataset.BitsStored, bool(dataset.PixelRepresentation)
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        factor, offset = (1.0, 0.0) if values is stored else (float(slope), float(intercept))
        return (low + high) * factor + 2 * offset - values
    return values


def _rescale(dataset: Dataset, index: int) -> tuple[Any, Any]:
    """Slope and intercept, of the frame where it has its own."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    own = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in (*own[index : index + 1], *shared[:1]):
        for item in group.get("PixelValueTransformationSequence") or []:
            return item.get("RescaleSlope"), item.get("RescaleIntercept")
    return dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")


def _in_little_endian(dataset: Dataset) -> Dataset:
    """Palettes are words, which pydicom reads in the byte order of this machine."""
    if dataset.original_encoding[1]:
        return dataset
    dataset = deepcopy(dataset)
    for colour in ("Red", "Green", "Blue"):
        name = f"{colour}PaletteColorLookupTableData"
        dataset[name].value = np.frombuffer(dataset[name].value, "<u2").byteswap().tobytes()
    return dataset


def _by_dcmtk(path: Path, wanted: Sequence[int], commands: Path, syntax: str) -> Any:
    command = commands / ("dcml2pnm" if syntax in _JPEG_LS else "dcmj2pnm")
    with tempfile.TemporaryDirectory() as folder:
        pictures = []
        for index in wanted:
            out = Path(folder) / "picture.pnm"
            call = [str(command), "--quiet", *_unrounded(path), "+F", str(index + 1), "-O", "+opw", str(path), str(out)]
            try:
                done = subprocess.run(call, capture_output=True, check=False, timeout=_SECONDS)
            except subprocess.TimeoutExpired:
                return "took too long"
            if done.returncode or not out.exists():
                return "refused"
            pictures.append(_picture(out))
        return pictures


def _unrounded(path: Path) -> Sequence[str]:
    """It rounds rescaled values to whole numbers; a straight line of them can be compared without."""
    slope = dcmread(path, force=True, stop_before_pixels=True).get("RescaleSlope") or 1
    return ("-M",) if float(slope) > 0 and not float(slope).is_integer() else ()


def _picture(path: Path) -> Array:
    return np.asarray(PillowImage.open(path))


def dicom_files(folders: Sequence[Path]) -> Iterator[Path]:
    """Files with the letters of DICOM where they stand, or a name that ends as theirs does."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with path.open("rb") as file:
                    if file.read(132)[128:] == b"DICM" or path.suffix.lower() in (".dcm", ".ima"):
                        yield path


def _dcmtk(given: Path | None) -> Path | None:
    if given is not None:
        return given
    found = shutil.which("dcmj2pnm")
    return Path(found).parent if found else None


def main() -> None:
    """Compare the files below the folders that are named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--dcmtk", type=Path, help="the folder of dcmj2pnm and dcml2pnm")
    parser.add_argument("--out", type=Path, help="a CSV of all files")
    arguments = parser.parse_args()
    logging.disable()
    warnings.simplefilter("ignore")
    dcmtk = _dcmtk(arguments.dcmtk)
    rows = [compare(path, dcmtk) for path in dicom_files(arguments.folders)]
    if arguments.out:
        with arguments.out.open("w", newline="") as file:
            csv.writer(file).writerows([Row._fields, *rows])
    _print(rows)


def _print(rows: Sequence[Row]) -> None:
    counts = Counter((row.ours, _kind(row.gdcm), _kind(row.dcmtk), _kind(row.pydicom)) for row in rows)
    print(f"{'files':>6}  {'ours':<14}{'gdcm':<24}{'dcmtk':<24}pydicom")
    for (ours, *others), count in counts.most_common():
        print(f"{count:>6}  {ours:<14}" + "".join(f"{other:<24}" for other in others))
    for row in rows:
        odd = "DIFFERENT" in row.gdcm + row.dcmtk + row.pydicom or "only it reads" in (row.gdcm, row.dcmtk)
        if odd:
            print(*row, sep=" | ")


def _kind(verdict: str) -> str:
    return "DIFFERENT" if verdict.startswith("DIFFERENT") else verdict.split(" (")[0]


if __name__ == "__main__":
    main()
