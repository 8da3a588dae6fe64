"""Damage to a case's folder that no text can do."""

from __future__ import annotations

import json
import os
import shutil
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.meds_data import write_labels
from tests.support.plink_files import cohort, write_pgen


def binary(root: Path, path: str, hexadecimal: str) -> None:
    """A file of these bytes."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(bytes.fromhex(hexadecimal))


def encode(root: Path, path: str, encoding: str, text: str) -> None:
    """A file of this text in another encoding."""
    (root / path).write_bytes(text.encode(encoding))


def truncate(root: Path, path: str, size: int) -> None:
    """Only the first bytes of a file are left."""
    os.truncate(root / path, size)


def remove(root: Path, path: str) -> None:
    """A file or folder is gone."""
    shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()


def empty_folder(root: Path, path: str) -> None:
    """A folder without anything."""
    (root / path).mkdir(parents=True)


def link(root: Path, path: str, target: str) -> None:
    """A symbolic link."""
    (root / path).symlink_to(target.replace("HERE", str(root)))


def rename(root: Path, path: str, to: str) -> None:
    """A file or folder has another name."""
    (root / path).rename(root / to)


def odd_name(root: Path, folder: str) -> None:
    """A picture whose name is not UTF-8."""
    shutil.copy(root / folder / "0.png", os.fsencode(root / folder) + b"/\xff.png")


def pipe(root: Path, path: str) -> None:
    """A named pipe, on which reading waits for ever."""
    os.mkfifo(root / path)


def listener(root: Path, path: str) -> None:
    """A socket of this machine."""
    # A path of a socket may have about a hundred letters.
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{folder}/{path}")
    os.close(folder)


def tensors(root: Path, path: str, what: str) -> None:
    """Weights of the native model: `missing`, `prefixed`, `nan`, `infinite` or `shape`."""
    from safetensors.numpy import load_file, save_file

    found = load_file(root / path)
    first = sorted(found)[0]
    if what == "missing":
        del found[first]
    elif what == "prefixed":
        found = {f"module.{name}": tensor for name, tensor in found.items()}
    elif what == "shape":
        found[first] = np.zeros((3, 3), np.float32)
    else:
        found[first].flat[0] = {"nan": np.nan, "infinite": np.inf}[what]
    save_file(found, root / path)


def pickled(root: Path, path: str) -> None:
    """A checkpoint as torch.save writes it."""
    import torch

    torch.save({"weight": torch.zeros(2)}, root / path)


def finished(root: Path) -> None:
    """The spec's run is there already."""
    from jobs.cli.main import main

    assert main(["run", str(root / "spec.yaml"), "--progress", "none"]) == 0


def finished_then(root: Path, path: str, text: str | None) -> None:
    """A finished run in which one file was replaced, or removed where there is no text."""
    finished(root)
    if text is None:
        remove(root, path)
    else:
        (root / path).write_text(text)


def text_of(root: Path, path: str, begin: str, again: str, times: int) -> None:
    """A file of a beginning, and something again and again."""
    (root / path).write_text(begin + again * times + "\n")


def many_keys(root: Path, path: str, count: int) -> None:
    """A file of keys that mean nothing."""
    (root / path).write_text("".join(f"key{number}: 1\n" for number in range(count)))


def long_output(root: Path, letters: int) -> None:
    """The spec's output has so long a name."""
    spec = root / "spec.yaml"
    spec.write_text(spec.read_text().replace(f"{root}/out", f"{root}/{'o' * letters}"))


def deep_output(root: Path, folders: int) -> None:
    """The spec's output lies so deep."""
    spec = root / "spec.yaml"
    spec.write_text(spec.read_text().replace(f"{root}/out", str(root) + "/a" * folders))


def parquet(root: Path, path: str, columns: dict[str, list[Any]]) -> None:
    """A Parquet file."""
    pq.write_table(pa.table(columns), root / path)


def labels(root: Path, path: str, subject: int) -> None:
    """A table of labels of one subject."""
    write_labels(root / path, [(subject, datetime(2022, 1, 1))])


def json_key(root: Path, path: str, key: str, value: Any) -> None:
    """A key of a JSON file has another value."""
    whole = json.loads((root / path).read_text())
    *above, last = key.split(".")
    inside = whole
    for part in above:
        inside = inside[part]
    inside[last] = value
    (root / path).write_text(json.dumps(whole))


def shorten(root: Path, path: str, by: int) -> None:
    """A file lost its last bytes."""
    os.truncate(root / path, (root / path).stat().st_size - by)


def checkpoint(root: Path, path: str) -> None:
    """A checkpoint of PyTorch in a folder where nothing else is."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    for other in (root / path).parent.iterdir():
        other.unlink()
    pickled(root, path)


def forbid(root: Path, path: str) -> None:
    """Nobody may read it."""
    (root / path).chmod(0)


def forbid_below(root: Path, path: str) -> None:
    """A folder with a picture, which nobody may read."""
    (root / path).mkdir()
    shutil.copy(root / "images" / "0.png", root / path)
    forbid(root, path)


def protect(root: Path, path: str) -> None:
    """A folder into which nobody may write."""
    (root / path).mkdir()
    (root / path).chmod(0o555)


def forbid_run(root: Path, path: str) -> None:
    """A finished run that nobody may read."""
    finished(root)
    forbid(root, path)


def finished_other_name(root: Path) -> None:
    """A finished run of another spec."""
    finished(root)
    spec = root / "spec.yaml"
    spec.write_text(spec.read_text().replace("shard_records: 4", "shard_records: 5"))


def without(root: Path, package: str) -> None:
    """A package is not installed, for processes that have `site` on their path."""
    (root / "site").mkdir()
    (root / "site" / "sitecustomize.py").write_text(_HIDING.format(package=package))


def without_for(root: Path, package: str, path: str, kind: str) -> None:
    """A package is not installed that an input of this kind needs; the input is made."""
    if kind == "tif":
        for other in (root / "images").iterdir():
            other.unlink()
        cv2.imwrite(str(root / path), np.zeros((64, 64), np.uint8))
    else:
        write_pgen(root, cohort(60, 120))
    without(root, package)


_HIDING = """
import sys


class Hiding:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "{package}":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Hiding)
"""
