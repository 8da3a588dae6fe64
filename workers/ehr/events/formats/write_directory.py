"""Write a model directory on events: what `workers.ehr.events.formats.directory` reads. Imports torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from schemas.loading import validate
from workers.ehr.events.formats.directory import CODES, FORMAT, EventModel, EventModelConfig
from workers.models.member_files import member_files
from workers.models.network_directory import CONFIG


def write_event_model(folder: Path, config: Mapping[str, Any], codes: pa.Table, *members: Mapping[str, Tensor]) -> None:
    """`config` is `config.json` but for its format, `members` the weights of one network, or of several. Raises
    SpecError where the parts do not fit each other."""
    named, files = member_files(members)
    whole = {"format": EventModel.name, "format_version": 1, **config, **named}
    validate(EventModelConfig, whole, CONFIG)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(whole, indent=1), encoding="utf-8")
    pq.write_table(codes, folder / CODES)
    for name, body in files.items():
        (folder / name).write_bytes(body)
    FORMAT.describe(folder)
