"""A forecast of a run as data."""

from pathlib import Path

import pytest

from jobs.outlook import Forecast, Outlook, Tried, outlook
from schemas.errors import UsageError
from schemas.spec import Spec


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_counts_records_shards_bytes_and_models_and_writes_nothing(
    copied: Spec, small: Path, tmp_path: Path
) -> None:
    before = contents(tmp_path)
    seen = outlook(copied)
    assert (seen.records, seen.shards, seen.stages, seen.looked_at) == (13, 4, ("predict",), 13)
    assert seen.bytes == sum(path.stat().st_size for path in (small.parent / "archive").iterdir())
    assert seen.output == "this run, complete: nothing to do"
    assert list(seen.models) == ["mean"]
    assert len(seen.models["mean"]) == 64
    assert seen.forecast is None
    assert seen.tried is not None
    assert (seen.tried.sampled, seen.tried.needs_all) == (4, False)
    assert len(seen.tried.sample_values) == 3
    assert contents(tmp_path) == before


def test_a_sample_is_scored_and_forecast_for_as_many_workers_as_are_asked(copied: Spec) -> None:
    seen = outlook(copied, sample=100, workers=3)
    forecast, tried = seen.forecast, seen.tried
    assert forecast is not None
    assert tried is not None
    assert (tried.sampled, forecast.workers) == (13, 3)
    assert tried.sample_statuses == {"ok": 12, "unreadable": 1}
    # All 13 records were the sample: on three workers the run takes a third of its seconds.
    assert forecast.hours == pytest.approx(forecast.sample_seconds / 3 / 3600, abs=6e-5)


def test_without_a_sample_no_model_is_loaded(copied: Spec) -> None:
    seen = outlook(copied, sample=0)
    assert (seen.tried, seen.forecast) == (None, None)


def test_without_a_number_of_workers_it_is_for_as_many_as_the_spec_allows(copied: Spec) -> None:
    workers = copied.compute.workers.model_copy(update={"max": 7})
    spec = copied.model_copy(update={"compute": copied.compute.model_copy(update={"workers": workers})})
    forecast = outlook(spec, sample=2).forecast
    assert forecast is not None
    assert forecast.workers == 7


def test_as_json_the_forecast_stands_beside_the_other_facts() -> None:
    plain = Outlook(5, ("a", "b"), 2, 10, "nothing yet", {"m": "00"}, 5, {"x": 1})
    assert plain.as_json() == {
        "records": 5,
        "stages": ["a", "b"],
        "shards": 2,
        "bytes": 10,
        "output": "nothing yet",
        "models": {"m": "00"},
        "looked_at": 5,
        "found": {"x": 1},
        "remarks": {},
        "listed": {},
    }
    tried, forecast = Tried(3, {"ok": 3}, ({"x": 1.5},), False), Forecast(0.5, 2, 4, 1.25)
    with_forecast = Outlook(5, ("a",), 2, 10, "nothing yet", {}, 5, {}, tried, forecast).as_json()
    assert {"forecast", "tried"}.isdisjoint(with_forecast)
    assert with_forecast["sample_values"] == ({"x": 1.5},)
    assert (with_forecast["hours"], with_forecast["sample_statuses"]) == (1.25, {"ok": 3})


def test_an_output_that_cannot_be_opened_is_said_before_a_sample_is_scored(copied: Spec) -> None:
    spec = copied.model_copy(update={"output": copied.output.model_copy(update={"uri": "ftp://host/out"})})
    with pytest.raises(UsageError, match="ftp"):
        outlook(spec, sample=5)
