from __future__ import annotations

import numpy as np

from tests.support.genotype_stages import ScoredRun
from workers.genomics.genotypes.components import Components
from workers.genomics.genotypes.steps import Steps, parse_steps


def asked(scored: ScoredRun) -> Steps:
    return parse_steps([{"adjust": {"z": True, "components": str(scored.root / "pcs.tsv")}}])


def test_components_of_a_range_of_samples_are_those_of_the_table_and_nan_where_it_has_none(scored: ScoredRun) -> None:
    context = scored.context("predict")
    components = Components(context, scored.genotypes().samples)
    lines = [line.split("\t") for line in (scored.root / "pcs.tsv").read_text().splitlines()[1:]]
    known = {iid: float(value) for iid, value in lines}
    found = components.of(asked(scored), 0, 5)
    np.testing.assert_array_equal(found, [[known.get(f"s{at}", np.nan)] for at in range(5)])
    assert np.isnan(found[0, 0])
    np.testing.assert_array_equal(components.of(asked(scored), 58, 100), [[known[f"s{at}"]] for at in (58, 59, 60)])


def test_where_no_step_names_a_table_there_are_none(scored: ScoredRun) -> None:
    components = Components(scored.context("predict"), scored.genotypes().samples)
    assert components.of(parse_steps([]), 0, 5) is None
    assert components.of(parse_steps([{"adjust": {"z": True}}]), 0, 5) is None
