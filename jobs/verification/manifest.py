"""The manifest, made a second time from what lies on storage and held against the one that is there."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from jobs.finishing import CountedStage, summed_up
from jobs.verification.found import Verified, compare
from schemas.errors import VerificationError
from schemas.run import MANIFEST_KEY, TUNING_DIR, FileRecord, Manifest

_ONLY_THE_DRIVER_KNEW = frozenset(
    {"format_version", "attempt", "seal", "finished", "seconds", "busy", "counts", "pace"}
)
"""What nothing else on storage tells; the seal of the text proves it."""
_CLOCKS = timedelta(hours=1)
"""By so much the clocks of two drivers of one run may differ."""


def check_manifest(manifest: Manifest, stages: Sequence[CountedStage], found: Verified) -> None:
    """A fault for each thing in which it is not what plan and storage give."""
    try:
        made = summed_up(stages)
    except VerificationError as error:
        found.fault(str(error))
        return
    _check_files(manifest.files, made.files, found)
    then, now = manifest.model_dump(mode="json"), made.model_dump(mode="json")
    # What an older version did not write yet is not held against it.
    written = Manifest.model_fields if manifest.seal is not None else manifest.model_fields_set
    for name in Manifest.model_fields:
        if (
            name in written
            and (name != "figures" or manifest.figures is not None)
            and name != "files"
            and name not in _ONLY_THE_DRIVER_KNEW
            and not _same(then[name], now[name])
        ):
            found.fault(f"{MANIFEST_KEY} has other {name} than plan and rows give")
    if not _is_later(manifest.finished, manifest.started):
        found.fault(f"{MANIFEST_KEY} says that the run ended before it began")


def _check_files(said: Sequence[FileRecord], made: Sequence[FileRecord], found: Verified) -> None:
    named, there = {record.key: record for record in said}, {record.key: record for record in made}
    for key, count in Counter(record.key for record in said).items():
        if count > 1:
            found.fault(f"{MANIFEST_KEY} names {key} {count} times")
    for key in named.keys() - there.keys():
        # A measurement that is gone decides nothing, but the manifest names it.
        gone = key.startswith(TUNING_DIR)
        found.fault(
            f"{key} is missing" if gone else f"{key} is named by the manifest, and neither plan nor rows name it"
        )
    for key in there.keys() - named.keys():
        if not key.startswith(TUNING_DIR):
            found.fault(f"{key} is not named by the manifest")
    for key in there.keys() & named.keys():
        compare(named[key], there[key].bytes, there[key].sha256, found)
        if _counts(named[key], named[key]) != _counts(there[key], named[key]):
            found.fault(f"{MANIFEST_KEY} has other rows, statuses or totals of {key} than its footer")


def _counts(record: FileRecord, said: FileRecord) -> dict[str, Any]:
    # An older version did not count by model.
    later = {"models"} if said.models is None else set[str]()
    return record.model_dump(mode="json", exclude={"bytes", "sha256", *later})


def _same(then: Any, now: Any) -> bool:
    """Equal, sums of fractions within rounding."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return then.keys() == now.keys() and all(_same(then[name], now[name]) for name in then)
    if isinstance(then, float) and isinstance(now, float):
        return math.isclose(then, now, rel_tol=1e-9, abs_tol=1e-12)
    return bool(then == now)


def _is_later(finished: str, started: str) -> bool:
    try:
        return datetime.fromisoformat(finished) >= datetime.fromisoformat(started) - _CLOCKS
    except (ValueError, TypeError):
        return False
