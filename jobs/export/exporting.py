"""One export from start to end: look at the run, refuse what lies there already, write, say what was written."""

import importlib
from dataclasses import dataclass

from cluster.storage import StorageSettings, Store
from jobs.export import EXPORTS
from jobs.export.contract import Export, Written
from jobs.export.target import open_target
from workers.finished_runs.run import finished_run


@dataclass(frozen=True)
class Exported:
    """What lies at `uri` now: so many files of so many bytes beside `export.json`."""

    uri: str
    files: int
    bytes: int
    written: Written


def export_run(export: Export, store: Store, to: str, storage: StorageSettings) -> Exported:
    """Write the files of this export under `to`, then `export.json`.

    Raises UsageError for a run without what the format needs, IncompleteError for a run without a manifest,
    VerificationError for a damaged one, FingerprintError where something else lies at `to`.
    """
    source = finished_run(store)
    plan = export.plan(source)
    target = open_target(to, storage, source, export.format, plan.parts)
    target.refuse_strangers(plan.keys)
    written = plan.write(target)
    target.finish(written.figures)
    return Exported(target.store.uri, target.files, target.size, written)


def exports() -> dict[str, type[Export]]:
    """Every format by its name."""
    found: list[type[Export]] = []
    for place in EXPORTS:
        module, _, name = place.partition(":")
        found.append(getattr(importlib.import_module(module), name))
    return {export.format: export for export in found}
