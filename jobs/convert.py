"""`job: convert`: turn other people's files into a table that a collection reads, and account for every record."""

from __future__ import annotations

from jobs.running import run_stages as convert

__all__ = ["convert"]
