"""Prepare steps of records of other kinds than single images, for the schema and the reference of a spec."""

from collections.abc import Mapping
from typing import Any

from workers.images.volumes.steps import STEPS
from workers.prepare_list import StepTable

TABLES: Mapping[str, StepTable[Any]] = {"volumes": STEPS}
"""By the name under which the reference has them."""
