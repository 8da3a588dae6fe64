"""A FHIR export as a job sees it."""

from pathlib import Path

from cluster.storage import StorageSettings
from schemas.spec import Compute
from workers.ehr.convert_fhir import scan_stage
from workers.ehr.convert_fhir.files import export_files, root_of
from workers.ehr.convert_fhir.rules import FhirRules
from workers.ehr.convert_fhir.settings import FhirInput
from workers.ehr.meds.rulefile import load_rules
from workers.ehr.meds.versioned import VersionedConversion

RULES = Path(__file__).with_name("rules.yaml")


def open_collection(source: FhirInput, storage: StorageSettings, compute: Compute) -> VersionedConversion:
    """The conversion of a FHIR export by its rules. Raises SpecError if either cannot be used."""
    rules = load_rules(FhirRules, source.rules, RULES, storage)
    root = root_of(source, storage).uri
    return VersionedConversion(
        source,
        root,
        lambda: export_files(source, storage),
        rules.model_dump(mode="json"),
        text_ids=True,
        scan=scan_stage.COLUMNS,
    )
