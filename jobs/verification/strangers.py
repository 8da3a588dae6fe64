"""Objects of a run directory that neither plan nor rows name: parts that somebody else put among the run's own.

A reader of a folder takes every file in it, so a stranger in a folder of the run is a fault. What an attempt of the run
itself left is none (`wardround gc` shows it), and neither is what lies where the run writes nothing.
"""

import re
from collections.abc import Iterable, Sequence

from cluster.storage import Store
from cluster.storage.probe import FOLDER
from jobs.leftovers import PLAN_NAME
from jobs.rundir import StageDirectory
from jobs.verification.found import Verified
from schemas.run import MANIFEST_KEY, REPORT_KEY, TUNING_DIR
from workers.pipeline.objects import RecordNames

_STAGES = "stages/"
_CHECKPOINT = re.compile(r"^stages/[^/]+/checkpoints/")
"""A state that a driver kept which was told late that another had come to the end."""
_BY_CONTENT = re.compile(r"-(?P<begin>[0-9a-f]{16})\.[a-z0-9.]+$")
"""Ends the name of what may differ between two attempts: how the sha256 of its bytes begins."""


def check_strangers(store: Store, stages: Sequence[StageDirectory], own: Iterable[str], found: Verified) -> None:
    """A fault for each stranger in a folder of the run; others are counted. `own` are the keys that the run has."""
    known = {MANIFEST_KEY, REPORT_KEY, *own}
    folders = tuple({f"{key.partition('/')[0]}/" for key in known if "/" in key} | {_STAGES})
    names = [RecordNames(stage.finished()) for stage in stages]
    fingerprints = {stage.run.fingerprint for stage in stages}
    for info in store.list():
        key = info.key
        if key in known or key.startswith((f"{FOLDER}/", TUNING_DIR)) or PLAN_NAME.match(key):
            continue
        if not key.startswith(folders):
            found.beside += 1
        elif not any(name.has(key) for name in names) and not _is_of_an_attempt(store, key, fingerprints):
            found.fault(f"{key} lies in a folder of the run, and neither plan nor rows name it")


def _is_of_an_attempt(store: Store, key: str, fingerprints: set[str]) -> bool:
    """Whether another attempt of this run wrote it: between its stages, under the name that its bytes give it, or as a
    checkpoint."""
    if _CHECKPOINT.match(key):
        return _carries(store, key, fingerprints)
    named = _BY_CONTENT.search(key)
    if named is None or not key.startswith(_STAGES) or not store.sha256(key).startswith(named["begin"]):
        return False
    return _carries(store, key, fingerprints)


def _carries(store: Store, key: str, fingerprints: set[str]) -> bool:
    head = store.head(key)
    return head is not None and head.metadata.get("fingerprint") in fingerprints
