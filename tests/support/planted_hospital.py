"""Histories of a hospital that is made up, with a risk that is known: no model can rank better than it does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from workers.ehr.events.contract import Histories

DAY_US = 86_400_000_000
PREDICTED_AT = np.datetime64("2024-01-01T12:00:00", "us").astype(np.int64)
NOISE = [f"DIAGNOSIS//N{number:02d}" for number in range(30)]
CODES = ["DIAGNOSIS//RISK", "DRUG//SAFE", "PROCEDURE//RECENT", "LAB//MARKER", *NOISE]
LEAK = "OUTCOME//DEATH"


@dataclass(frozen=True)
class Hospital:
    """One record a subject. `risk` is the probability by which `outcome` was drawn."""

    histories: Histories
    risk: NDArray[np.float64]
    outcome: NDArray[np.float64]

    @property
    def subjects(self) -> NDArray[np.int64]:
        return np.arange(len(self.risk)) + 1

    def events(self, leak: bool = False) -> pl.DataFrame:
        """MEDS rows; with `leak` who has the outcome dies an hour after the prediction time."""
        held = self.histories
        frame = pl.DataFrame(
            {
                "subject_id": np.repeat(self.subjects, np.diff(held.offsets)),
                "time": held.time.astype("datetime64[us]"),
                "code": np.array(held.code_names)[held.code],
                "numeric_value": pl.Series(held.value).fill_nan(None),
            }
        )
        if not leak:
            return frame
        dead = self.subjects[self.outcome == 1]
        deaths = pl.DataFrame({"subject_id": dead}).with_columns(
            time=pl.lit(PREDICTED_AT + DAY_US // 24).cast(pl.Datetime("us")),
            code=pl.lit(LEAK),
            numeric_value=pl.lit(None, pl.Float32),
        )
        return pl.concat([frame, deaths]).sort("subject_id", "time", maintain_order=True)

    def with_shuffled_outcomes(self, seed: int) -> Hospital:
        return replace(self, outcome=np.random.default_rng(seed).permutation(self.outcome))


def planted_hospital(subjects: int, seed: int) -> Hospital:
    """Who ever had one code is at risk, who ever had another is not; one counts where it is no month old; and a lab
    value counts by its size, the latest one."""
    chance = np.random.default_rng(seed)
    counts = 3 + chance.poisson(7, subjects)
    owner = np.repeat(np.arange(subjects), counts)
    shares = np.array([0.06, 0.06, 0.08, 0.12, *[0.68 / len(NOISE)] * len(NOISE)])
    code = chance.choice(len(CODES), len(owner), p=shares).astype(np.int32)
    ago = chance.uniform(0.5, 365, len(owner))
    order = np.lexsort((-ago, owner))
    ago = ago[order]
    value = np.where(code == 3, chance.normal(100, 20, len(owner)), np.nan).astype(np.float32)
    time = PREDICTED_AT - (ago * DAY_US).astype(np.int64)
    marker = np.zeros(subjects)
    # The latest of several is written last.
    marker[owner[code == 3]] = (value[code == 3] - 100) / 20
    logit = -0.9 + 1.5 * _has(owner[code == 0], subjects) - 1.3 * _has(owner[code == 1], subjects)
    logit += 1.6 * _has(owner[(code == 2) & (ago < 30)], subjects) + 1.2 * marker
    risk = 1 / (1 + np.exp(-logit))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    held = Histories(offsets, np.full(subjects, PREDICTED_AT), CODES, code, time, value)
    return Hospital(held, risk, (chance.random(subjects) < risk).astype(np.float64))


def _has(owners: NDArray[np.int64], subjects: int) -> NDArray[np.bool_]:
    return np.bincount(owners, minlength=subjects) > 0
