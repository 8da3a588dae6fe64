"""The JSON files of a run directory."""

from cluster.storage import ObjectMissing, Store
from schemas.errors import IncompleteError, UsageError
from schemas.run import MANIFEST_KEY, RUN_KEY, Manifest, RunFile


def read_run(store: Store, directory: str = "", *, seen: bool = False) -> RunFile | None:
    """The run file of the stage in `directory`, or None where none was started.

    `seen`: it should be there, and one answer that it is not does not count. Raises VerificationError for one that is
    damaged.
    """
    body = _body(store, directory + RUN_KEY, seen)
    return None if body is None else RunFile.decode(body, RUN_KEY)


def read_manifest(store: Store, *, seen: bool = False) -> Manifest | None:
    """The manifest, or None where the run is not complete; `seen` as above. Raises VerificationError."""
    body = _body(store, MANIFEST_KEY, seen)
    return None if body is None else Manifest.decode(body, MANIFEST_KEY)


def _body(store: Store, key: str, seen: bool) -> bytes | None:
    """An object that is written once, as two answers of the store agree on it: what a run is rests on it."""
    try:
        head = store.version(key, None) if seen else store.head(key)
        return None if head is None else store.get(key, if_etag=head.etag)
    except ObjectMissing:
        return None


def existing_run(store: Store) -> RunFile:
    """The run that lies there. Raises UsageError if there is none, IncompleteError if its last stage has not begun."""
    run = read_run(store, seen=True)
    if run is None:
        _refuse_no_run(store)
        raise IncompleteError("the last stage of the run has not begun: run its spec again first")
    return run


def existing_manifest(store: Store) -> Manifest:
    """The manifest of a complete run. Raises UsageError if no run lies there, IncompleteError if it is not complete."""
    manifest = read_manifest(store, seen=True)
    if manifest is None:
        if read_run(store, seen=True) is None:
            _refuse_no_run(store)
        raise IncompleteError("the run has no manifest: it is not complete. Run its spec again first")
    return manifest


def _refuse_no_run(store: Store) -> None:
    """Raises UsageError where not even an earlier stage of a run was begun."""
    if not any(info.key.endswith(f"/{RUN_KEY}") for info in store.list("stages/")):
        raise UsageError(f"no run lies at {store.uri}: give the output.uri of a spec that was run")
