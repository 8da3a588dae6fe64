"""The job that converts, against the one that predicts."""

import pytest

from jobs import convert, predict
from jobs.registry import job_kind
from schemas.errors import SpecError
from schemas.spec import Spec
from workers import registry


def spec(**more: object) -> Spec:
    return Spec.model_validate(
        {"job": "convert", "name": "c", "input": {"format": "fhir", "uri": "/in"}, "output": {"uri": "/out"}, **more}
    )


def test_it_is_found_by_its_name_in_a_spec() -> None:
    assert job_kind("convert") is convert.KIND
    assert job_kind("predict") is predict.KIND


def test_its_input_is_named_by_format_among_the_converters() -> None:
    assert sorted(convert.KIND.rooms()) == sorted(registry.CONVERTERS)
    assert convert.KIND.room({"format": "omop"}).target == "workers.ehr.convert_omop"
    with pytest.raises(SpecError, match=r"input\.format is missing; known: bed, bgen, fhir, omop, pgen, vcf"):
        convert.KIND.room({"collection": "images"})
    with pytest.raises(SpecError, match=r"fihr.*fhir"):
        convert.KIND.room({"format": "fihr"})


def test_it_takes_neither_models_nor_prepare_steps() -> None:
    convert.KIND.check(spec())
    with pytest.raises(SpecError, match="models: a convert job has none"):
        convert.KIND.check(spec(models={"m": {"uri": "/model"}}))
    with pytest.raises(SpecError, match="prepare: a convert job has no prepare steps; remove it"):
        convert.KIND.check(spec(prepare=[]))
