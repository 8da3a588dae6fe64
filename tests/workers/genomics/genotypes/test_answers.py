from __future__ import annotations

from schemas.status import Status
from workers.genomics.genotypes.answers import Answer, columns_of, refused

OK, LOW = Status.OK, Status.LOW_OVERLAP
GOOD = Answer({"score": [1.0, 2.0]}, [OK, OK], [None, None])


def test_of_a_single_model_the_rows_have_its_status_and_detail() -> None:
    low = refused(LOW, "too few", ["score"], 2)
    values, statuses, details = columns_of([("score", "m", "score")], {"m": low}, 2)
    assert (values, statuses, details) == ({"score": [None, None]}, [LOW, LOW], ["too few", "too few"])


def test_of_several_models_the_rows_are_fine_and_each_model_has_a_status_of_its_own() -> None:
    names = [("m__score", "m", "score"), ("m__status", "m", ""), ("n__score", "n", "score"), ("n__status", "n", "")]
    values, statuses, details = columns_of(names, {"m": GOOD, "n": refused(LOW, "few", ["score"], 2)}, 2)
    assert values == {
        "m__score": [1.0, 2.0],
        "m__status": ["ok", "ok"],
        "n__score": [None, None],
        "n__status": ["low_overlap", "low_overlap"],
    }
    assert (statuses, details) == ([OK, OK], [None, None])
