"""A training over events as a job sees it."""

from cluster.storage import StorageSettings
from schemas.spec import Compute
from workers import registry
from workers.ehr.events.collection import EventsCollection
from workers.ehr.events.training.histories import SHOWN
from workers.ehr.events.training.settings import EventsTraining
from workers.ehr.events.training.splits import SplitTimes
from workers.training.job.collection import Training


def open_collection(source: EventsTraining, storage: StorageSettings, compute: Compute) -> Training:
    """The histories that the input names. Raises SpecError if they cannot be used."""
    registry.networks("events").require(source.network.name, "input.network.name")
    histories = EventsCollection(source, storage)
    if source.has_meds_splits:
        histories.times = SplitTimes(source, storage)
    return Training(source, storage, histories, SHOWN)
