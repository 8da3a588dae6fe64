"""Uris of a table as people write them, in the one spelling that objects are planned and read by."""

import os
import re
from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cluster.storage import parse
from schemas.errors import SpecError, UsageError

_FILE = re.compile(r"^file:/+(?=[^/])|^file:/", re.IGNORECASE)
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_ODD = r"(^|/)\.\.?(/|$)|^[A-Za-z][A-Za-z0-9+.-]*:/|//"
"""What `folder/uri` or the uri alone may not be: `.` and `..`, doubled slashes, a scheme."""
_PLAIN_S3 = r"^s3://[^/]"


def canonical(uris: pa.Array, folder: str, roots: Sequence[str], start: int) -> pa.Array:
    """Every uri in full. Relative ones lie beside the table, in `folder`, and nowhere else.

    Names are literal but for `file://`, which is percent-decoded. `.` and doubled slashes go out of local paths and of
    relative uris; a key of S3 is what it is. Raises SpecError, by row (from `start`), for one that is null, cannot be
    read, or lies under none of `roots`.
    """
    plain = pc.or_(pc.match_substring_regex(uris, _PLAIN_S3), pc.invert(pc.match_substring_regex(uris, _ODD)))
    relative = pc.invert(pc.or_(pc.starts_with(uris, "s3://"), pc.starts_with(uris, "/")))
    full = pc.if_else(relative, pc.binary_join_element_wise(folder.rstrip("/") + "/", uris, ""), uris)
    if not pc.all(pc.fill_null(plain, True)).as_py():
        odd = pc.fill_null(pc.invert(plain), False).to_pylist()
        rows = zip(uris.to_pylist(), full.to_pylist(), odd, strict=True)
        texts = [_one(uri, folder, roots) if is_odd else whole for uri, whole, is_odd in rows]
        full = pa.array(texts, pa.string())
    inside = pa.scalar(False)
    for root in roots:
        inside = pc.or_(inside, pc.starts_with(full, root.rstrip("/") + "/"))
    outside = pc.fill_null(pc.invert(inside), True)
    if pc.any(outside).as_py():
        row = start + pc.index(outside, True).as_py() + 1
        raise SpecError(f"the uri in row {row} of the table is null or lies outside input.roots; name its root there")
    return full


def _one(uri: str, folder: str, roots: Sequence[str]) -> str | None:
    """One uri in full; None for one that is none."""
    try:
        if _FILE.match(uri) and not uri.lower().startswith("file://"):
            uri = "file://" + uri[len("file:") :]
        if _SCHEME.match(uri):
            parsed = parse(uri)
            text = str(parsed)
            return _on_disk(text, roots) if parsed.scheme == "file" else text
        text = uri if uri.startswith("/") else f"{folder.rstrip('/')}/{uri}"
        text.encode()
    except (UsageError, UnicodeEncodeError):
        return None
    return _in_bucket(text) if text.startswith("s3://") else _on_disk(text, roots)


def _on_disk(path: str, roots: Sequence[str]) -> str | None:
    try:
        path.encode()
    except UnicodeEncodeError:
        # A name that is no text cannot stand in a plan.
        return None
    if ".." not in path.split("/"):
        return os.path.abspath(path)
    # `..` after a symbolic link cannot be resolved by its text alone.
    real = os.path.realpath(path)
    for root in roots:
        behind = os.path.realpath(root) if root.startswith("/") else root
        if real.startswith(behind.rstrip("/") + "/"):
            return root.rstrip("/") + real[len(behind.rstrip("/")) :]
    return real


def _in_bucket(text: str) -> str | None:
    """A relative uri behind its folder: `.` and `..` are steps there, not parts of a key."""
    bucket, *segments = text.removeprefix("s3://").split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            if not kept:
                return None
            kept.pop()
        elif segment != ".":
            kept.append(segment)
    return "s3://" + "/".join([bucket, *kept])


class OneSpelling:
    """Tells when two rows name the same object: where the table has no ids of its own, each object is one record."""

    def __init__(self) -> None:
        self._seen: list[NDArray[np.uint64]] = []

    def take(self, full: pa.Array, members: pa.Array | None) -> None:
        """Note a batch, in order."""
        frame = pl.DataFrame({"uri": pl.from_arrow(full)})
        numbered = frame.with_columns(member=pl.from_arrow(members) if members is not None else None)  # type: ignore[arg-type]  # an Arrow array gives a Series
        self._seen.append(numbered.hash_rows(seed=11).to_numpy())

    def check(self) -> None:
        """Raises SpecError that names the first row which repeats an object, and the row that it repeats."""
        everything = np.concatenate(self._seen) if self._seen else np.zeros(0, np.uint64)
        order = np.argsort(everything, kind="stable")
        same = np.flatnonzero(everything[order][1:] == everything[order][:-1])
        if same.size:
            first = min((int(order[place + 1]), int(order[place])) for place in same)
            raise SpecError(
                f"rows {first[1] + 1} and {first[0] + 1} of the table name the same object: keep one of them, or add a "
                "column record_id if they are two records"
            )
