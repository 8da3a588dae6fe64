"""Parts of a spec as the layers below want them."""

from __future__ import annotations

from cluster.storage import StorageSettings
from schemas.spec import Spec


def storage_settings(spec: Spec) -> StorageSettings:
    """The storage settings of a spec; what it leaves out comes from the environment."""
    return StorageSettings.model_validate(spec.storage.model_dump(exclude_none=True))
