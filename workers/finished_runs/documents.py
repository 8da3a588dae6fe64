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
    """The run that lies there. Raises UsageError if there is none, IncompleteError if its last stage has not begun."""
    run = read_run(store)
    if run is None:
        _refuse_no_run(store)
        raise IncompleteError("the last stage of the run has not begun: run its spec again first")
    return run


def existing_manifest(store: Store) -> Manifest:
    """The manifest of a complete run. Raises UsageError if no run lies there, IncompleteError if it is not complete."""
    manifest = read_manifest(store)
    if manifest is None:
        if read_run(store) is None:
            _refuse_no_run(store)
        raise IncompleteError("the run has no manifest: it is not complete. Run its spec again first")
    return manifest


def _refuse_no_run(store: Store) -> None:
    """Raises UsageError where not even an earlier stage of a run was begun."""
    if not any(info.key.endswith(f"/{RUN_KEY}") for info in store.list("stages/")):
        raise UsageError(f"no run lies at {store.uri}: give the output.uri of a spec that was run")
