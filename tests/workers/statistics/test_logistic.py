import numpy as np
import pytest
from scipy.differentiate import hessian
from scipy.optimize import minimize

from workers.statistics.logistic import expit, fit_logistic, logit


def test_the_fit_has_the_most_likelihood():
    generator = np.random.default_rng(3)
    columns = np.stack([np.ones(200), generator.normal(size=200), generator.normal(size=200)], axis=1)
    positives = (generator.random(200) < expit(columns @ [0.2, 1.0, -0.5])).astype(float)

    def loss(beta):
        line = np.tensordot(columns, beta, axes=1)
        return np.sum(np.logaddexp(0, line) - (positives * line.T).T, axis=0)

    best = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9})
    found = fit_logistic(columns, positives, 1 - positives)
    assert found.converged
    assert found.coefficients == pytest.approx(best.x, abs=1e-5)
    curvature = hessian(loss, found.coefficients).ddf
    assert found.covariance == pytest.approx(np.linalg.inv(curvature), rel=1e-4)


def test_weights_count_as_rows():
    columns = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    positives, negatives = np.array([1.0, 3.0, 5.0]), np.array([4.0, 3.0, 2.0])
    rows = np.repeat(np.arange(3), [5, 6, 7])
    labels = np.concatenate(
        [np.repeat([1.0, 0.0], [int(p), int(n)]) for p, n in zip(positives, negatives, strict=True)]
    )
    whole = fit_logistic(columns, positives, negatives)
    single = fit_logistic(columns[rows], labels, 1 - labels)
    assert whole.coefficients == pytest.approx(single.coefficients)
    assert whole.covariance == pytest.approx(single.covariance)


def test_separated_classes_do_not_converge():
    columns = np.array([[1.0, -1.0], [1.0, 1.0]])
    assert not fit_logistic(columns, np.array([0.0, 5.0]), np.array([5.0, 0.0])).converged


def test_two_equal_columns_do_not_converge():
    columns = np.ones((4, 2))
    assert not fit_logistic(columns, np.array([0.0, 1, 0, 1]), np.array([1.0, 0, 1, 0])).converged


def test_expit_and_logit_undo_each_other_and_do_not_overflow():
    assert expit(logit(np.array([0.001, 0.5, 0.999]))) == pytest.approx([0.001, 0.5, 0.999])
    assert expit(np.array([-1000.0, 1000.0])).tolist() == [0.0, 1.0]
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
