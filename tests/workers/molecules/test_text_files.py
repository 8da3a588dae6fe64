from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cluster.storage import ObjectInfo, Store, open_store
from schemas.errors import SpecError
from workers.molecules.text_files import content


def listed(store: Store, key: str) -> ObjectInfo:
    (info,) = (info for info in store.list() if info.key == key)
    return info


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_the_content_is_what_was_written(tmp_path: Path, packed: bool) -> None:
    text = b"CCO ethanol\n" * 1000
    name = "in.smi.gz" if packed else "in.smi"
    (tmp_path / name).write_bytes(gzip.compress(text) if packed else text)
    store = open_store(str(tmp_path))
    assert b"".join(content(store, listed(store, name))) == text


def test_a_file_that_is_cut_off_or_gone_or_changed_ends_the_planning_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "in.smi.gz"
    store = open_store(str(tmp_path))
    path.write_bytes(gzip.compress(b"CCO ethanol\n" * 1000)[:-10])
    with pytest.raises(SpecError, match="damaged or cut off: write it again"):
        list(content(store, listed(store, "in.smi.gz")))
    known = listed(store, "in.smi.gz")
    path.write_bytes(b"C\n")
    with pytest.raises(SpecError, match="vanished or changed while it was planned: run again"):
        list(content(store, known))
    # A folder without any file would be a mount that is gone.
    (tmp_path / "another.smi").write_bytes(b"C\n")
    path.unlink()
    with pytest.raises(SpecError, match="vanished or changed"):
        list(content(store, known))
