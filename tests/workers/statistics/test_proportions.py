import numpy as np
import pytest
from scipy import stats

from workers.statistics.proportions import clopper_pearson, proportion, wilson

CASES = [(0, 10), (1, 10), (5, 10), (10, 10), (81, 263), (15, 148), (999, 1000)]


@pytest.mark.parametrize(("count", "of"), CASES)
@pytest.mark.parametrize(("ours", "theirs"), [(wilson, "wilson"), (clopper_pearson, "exact")])
def test_the_interval_of_a_proportion_is_scipys(count, of, ours, theirs):
    expected = stats.binomtest(count, of).proportion_ci(method=theirs)
    assert ours(count, of) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_gives_the_digits_of_newcombes_table():
    # Newcombe, Statistics in Medicine 1998;17:857, table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_clopper_pearson_gives_the_digits_of_newcombes_table():
    assert clopper_pearson(81, 263) == pytest.approx((0.2527, 0.3676), abs=5e-5)
    assert clopper_pearson(0, 20) == pytest.approx((0.0, 0.1684), abs=5e-5)


def test_a_proportion_of_nothing_says_of_what():
    found = proportion(0, 0, what="positive rows")
    assert found.value is None
    assert found.note == "no positive rows"


@pytest.mark.parametrize("method", ["wilson", "clopper_pearson"])
def test_the_interval_covers_as_often_as_it_says(method):
    generator = np.random.default_rng(1)
    share, number = 0.2, 150
    held = [
        found.low <= share <= found.high
        for found in (proportion(int(count), number, method) for count in generator.binomial(number, share, 2000))
    ]
    assert 0.93 <= np.mean(held) <= (0.97 if method == "wilson" else 1.0)
