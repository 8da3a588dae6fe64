"""What a first spec of a training says beside its input: labels, outputs, splits and a network."""

from typing import Any

from cluster.storage import StorageSettings
from workers.drafts import Draft
from workers.labels.draft import look_at_labels
from workers.training.job.settings import PARTS

_NETWORKS = {
    "images": "smallcnn",
    "notes": "word_rnn",
    "events": "event_rnn",
    "genotypes": "panel_mlp",
    "sequences": "dilated_resnet",
    "molecules": "fingerprint_mlp",
}
"""The smallest that there is of each collection: a first one is to run."""


def draft_of_training(collection: str, labels: str, storage: StorageSettings) -> Draft:
    """The keys that follow from a table of labels. Raises SpecError where it cannot be read."""
    keys: dict[str, Any] = {"network": {"name": _NETWORKS[collection]}} if collection in _NETWORKS else {}
    if not labels:
        return Draft(keys, remarks=["say labels: {uri: ..., key: ...}, or carry the columns that say what is true"])
    looked = look_at_labels(labels, storage)
    keys["labels"] = {"uri": labels, "key": looked.key}
    remarks = [f"of the labels, {looked.key!r} is taken for the ids of records: correct labels.key if it is not"]
    truth = looked.truth()
    if truth is not None:
        asked = looked.asked(truth)
        keys["outputs"] = {"".join(c if c.isalnum() else "_" for c in truth): {**asked, "truth": truth}}
        remarks.append(f"{truth!r} is taken for what is learned; other columns: {', '.join(looked.others)}")
    if looked.split is not None:
        parts = looked.parts()
        keys["splits"] = {"column": looked.split, **{part: parts[part] for part in PARTS if part in parts}}
    return Draft(keys, remarks=remarks)
