"""Parts of a spec as the layers below want them."""

from cluster.storage import StorageSettings, Store, open_store
from schemas.spec import Spec


def storage_settings(spec: Spec) -> StorageSettings:
    """The storage settings of a spec; what it leaves out comes from the environment."""
    return StorageSettings.model_validate(spec.storage.model_dump(exclude_none=True))


def output_store(spec: Spec) -> Store:
    """The run directory of a spec, opened for whoever writes to it. Sends no request."""
    return open_store(spec.output.uri, storage_settings(spec), single_committer=spec.output.single_committer)
