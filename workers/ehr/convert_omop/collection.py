"""OMOP tables as a job sees them."""

from pathlib import Path

from cluster.storage import StorageSettings
from schemas.spec import Compute
from workers.ehr.convert_omop import scan_stage
from workers.ehr.convert_omop.files import root_of, table_files
from workers.ehr.convert_omop.rules import OmopRules
from workers.ehr.convert_omop.settings import OmopInput
from workers.ehr.meds.rulefile import load_rules
from workers.ehr.meds.versioned import VersionedConversion

RULES = Path(__file__).with_name("rules.yaml")


def open_collection(source: OmopInput, storage: StorageSettings, compute: Compute) -> VersionedConversion:
    """The conversion of OMOP tables by its rules. Raises SpecError if either cannot be used."""
    rules = load_rules(OmopRules, source.rules, RULES, storage)
    root = root_of(source, storage).uri
    return VersionedConversion(
        source,
        root,
        lambda: table_files(source, storage, rules.reference),
        rules.model_dump(mode="json"),
        text_ids=False,
        scan=scan_stage.COLUMNS,
    )
