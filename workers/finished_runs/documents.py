"""The JSON files of a run directory."""

from cluster.storage import ObjectMissing, Store
from schemas.errors import IncompleteError, UsageError
from schemas.run import MANIFEST_KEY, RUN_KEY, Manifest, RunFile


def read_run(store: Store, directory: str = "") -> RunFile | None:
    """The run file of the stage in `directory`, or None where none was started.

    Raises VerificationError for one that is damaged.
    """
    try:
        return RunFile.decode(store.get(directory + RUN_KEY), RUN_KEY)
    except ObjectMissing:
        return None


def read_manifest(store: Store) -> Manifest | None:
    """The manifest, or None where the run is not complete. Raises VerificationError for one that is damaged."""
    try:
        return Manifest.decode(store.get(MANIFEST_KEY), MANIFEST_KEY)
    except ObjectMissing:
        return None


def existing_run(store: Store) -> RunFile:
    """The run that lies there. Raises UsageError if there is none."""
    run = read_run(store)
    if run is None:
        raise UsageError(f"no run lies at {store.uri}: give the output.uri of a spec that was run")
    return run


def existing_manifest(store: Store) -> Manifest:
    """The manifest of a complete run. Raises IncompleteError if there is none."""
    manifest = read_manifest(store)
    if manifest is None:
        raise IncompleteError("the run has no manifest: it is not complete. Run its spec again first")
    return manifest
