import pytest

from workers.statistics.estimate import Estimate, normal, on_logit, quantile, undefined


def test_the_quantile_of_95_percent_is_1_96():
    assert quantile(0.95) == pytest.approx(1.959964, abs=1e-6)


def test_an_interval_on_the_logit_stays_between_0_and_1():
    found = on_logit(0.99, 0.01)
    assert 0 < found.low < 0.99 < found.high < 1


def test_a_normal_interval_is_symmetric():
    found = normal(2.0, 4.0)
    assert (found.low, found.high) == pytest.approx((2 - 3.919928, 2 + 3.919928))


def test_what_is_undefined_has_no_value_no_width_and_a_reason():
    assert undefined("no rows") == Estimate(None, note="no rows")
    assert undefined("no rows").width is None
