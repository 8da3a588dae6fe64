"""The page of every key says how it is written, what it may be, what it is by default and what it means."""

from __future__ import annotations

import pytest

from jobs.reference import reference

PAGE = reference(print)


@pytest.mark.parametrize(
    "line",
    [
        "| `compute.workers` | whole number or mapping |  | how many workers",
        "| `compute.workers.min` | whole number, at least 1, at most 100,000 | `1` |",
        "| `compute.prefetch_bytes` | size | `512MiB` |",
        "| `limits.record_timeout` | duration | `120.0` |",
        "| `models.<name>.sha256` | text |",
        "| `input.task.min_days` | number, at least 0 | `0.0` |",
        "| `input.collection` | `notes` | required |",
        "| `rounding` | `nearest`, `floor`, `truncate` | `nearest` |",
        "| `tiles` | list of 2: whole number",
        "columns bear it: &lt;model>__&lt;output> |",
        "## `input:` of `job: convert`: bed, pgen",
    ],
)
def test_a_key_stands_there(line: str) -> None:
    assert line in PAGE


def test_every_step_has_its_own_heading_and_one_without_keys_has_no_table() -> None:
    steps = PAGE.partition("## `prepare:` of images")[2].partition("\n## ")[0]
    assert "### clahe\n" in steps
    (equalise,) = [part for part in steps.split("### ") if part.startswith("equalise\n")]
    assert "| key |" not in equalise
