"""A first look at images, for a spec."""

from collections.abc import Mapping
from typing import Any

from cluster.storage import StorageSettings
from workers.drafts import SUBJECTS, Draft, chosen, first_table
from workers.images.planning import kind_of
from workers.images.settings import ImagesInput


def draft(uri: str, storage: StorageSettings, given: Mapping[str, Any]) -> Draft:
    """A table has its columns; of a prefix the content says what each object is."""
    source = ImagesInput(collection="images", uri=uri)
    if kind_of(source) != "table":
        return Draft(
            remarks=["carry: [Modality, Manufacturer] and subject_id: PatientID take attributes of DICOM along"]
        )
    columns = first_table(uri, storage).columns
    keys = chosen(columns, {"subject_id": SUBJECTS})
    return Draft(keys, [name for name in columns if name not in ("uri", "record_id")])
