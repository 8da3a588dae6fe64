"""`job: predict`: score every record of a collection, stage by stage, and write the manifest."""

from __future__ import annotations

from jobs.running import run_stages as predict

__all__ = ["predict"]
