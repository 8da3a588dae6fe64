"""Task files made at random over the predicates of the made-up hospital: trees of windows that nobody would write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

PREDICATES: dict[str, Any] = {
    "admission": {"code": {"regex": "^HOSPITAL_ADMISSION//"}},
    "emergency": {"code": "HOSPITAL_ADMISSION//EMERGENCY"},
    "discharge": {"code": {"regex": "^HOSPITAL_DISCHARGE//"}},
    "death": {"code": "MEDS_DEATH"},
    "lab": {"code": {"any": ["LAB//CREATININE", "LAB//HB"]}},
    "high": {"code": "LAB//CREATININE", "value_min": 1.3, "value_min_inclusive": True},
    "within": {"code": {"regex": "CREAT"}, "value_min": 0.7, "value_max": 1.3, "value_max_inclusive": True},
    "in_mg": {"code": {"regex": "^LAB//CREA"}, "unit": "mg/dL"},
    "rx": {"code": {"regex": "^RX//"}},
    "icu": {"code": "ICU_ADMISSION//MICU"},
    "female": {"code": "GENDER//F", "static": True},
    "end_of_stay": {"expr": "or(discharge, death)"},
    "both": {"expr": "and(lab, rx)"},
    "some": {"expr": "or(end_of_stay, icu, high)"},
    "of_women": {"expr": "and(female, lab)"},
    "deep": {"expr": "or(both, some)"},
}
_NAMES = [name for name in PREDICATES if name not in ("female", "of_women")]
_TRIGGERS = ("admission", "admission", "emergency", "_ANY_EVENT", "lab", "_RECORD_START", "_RECORD_END", "deep")
_RANGES = ("(1, None)", "(None, 0)", "(None, 2)", "(1, 3)", "(None, 5)", "(2, None)", "(0, None)", "(1,)")
_LENGTHS = ("24h", "12 hours", "48h", "1 day", "6h", "30d", "100h", "1.5h", "36:00:00")


def random_task(random: np.random.Generator) -> dict[str, Any]:
    """One that es-aces reads, with a time of prediction and a label."""
    windows: dict[str, Any] = {}
    points = ["trigger"]
    for number in range(int(random.integers(1, 5))):
        name = f"w{number}"
        windows[name] = _window(random, str(random.choice(points)))
        points += [f"{name}.start", f"{name}.end"]
    windows[str(random.choice(list(windows)))]["index_timestamp"] = str(random.choice(["start", "end"]))
    windows[str(random.choice(list(windows)))]["label"] = str(random.choice(_NAMES))
    task = {"predicates": PREDICATES, "trigger": str(random.choice(_TRIGGERS)), "windows": windows}
    return task | ({"patient_demographics": {"male": {"code": "GENDER//M"}}} if random.random() < 0.2 else {})


def _window(random: np.random.Generator, reference: str) -> dict[str, Any]:
    outside = _pick(
        random,
        [
            reference,
            reference,
            f"{reference} + {random.choice(_LENGTHS)}",
            f"{reference} - {random.choice(_LENGTHS)}",
            f"{reference} -> {_predicate(random)}",
            f"{reference} <- {_predicate(random)}",
        ],
    )
    length, event = random.choice(_LENGTHS), _predicate(random)
    ahead = _pick(random, [f"start + {length}", f"start + {length}", f"start -> {event}", "start -> _RECORD_END", None])
    back = _pick(random, [f"end - {length}", f"end - {length}", f"end <- {event}", "end <- _RECORD_START", None])
    start, end = (outside, ahead) if random.random() < 0.6 else (back, outside)
    window: dict[str, Any] = {
        "start": start,
        "end": end,
        "start_inclusive": bool(random.random() < 0.5),
        "end_inclusive": bool(random.random() < 0.5),
    }
    if random.random() < 0.6:
        asked = [_predicate(random) if random.random() < 0.9 else "_RECORD_END" for _ in range(2)]
        window["has"] = {name: str(random.choice(_RANGES)) for name in asked}
    return window


def _predicate(random: np.random.Generator) -> str:
    chance = random.random()
    if chance < 0.15:
        return "_ANY_EVENT" if chance < 0.1 else "of_women"
    return str(random.choice(_NAMES))


def _pick(random: np.random.Generator, choices: Sequence[str | None]) -> str | None:
    return choices[int(random.integers(len(choices)))]
