"""Token windows of REF and ALT, by hand: the model is a table of one row a token."""

import numpy as np

from tests.support.tables import TableModel, table_network
from workers.contract import ModelCard
from workers.genomics.sequences.formats.scorers import TokenScorer
from workers.genomics.sequences.formats.scorers import _vectors as vectors_of
from workers.genomics.sequences.formats.tokens import Tokens, TokenWindows
from workers.text_models.network import TextNetwork

ROWS = [[0.0, 0.0], [1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]


def tokens(*numbers: int) -> Tokens:
    return np.array(numbers, np.int32)


def scorer_of(network: TextNetwork) -> TokenScorer:
    return TokenScorer(network, ModelCard("x", ()), lambda logits, _: list(logits.numpy()))


def seen(network: TextNetwork) -> int:
    assert isinstance(network.model, TableModel)
    return network.model.seen


def test_reference_and_alt_of_each_record_come_in_order() -> None:
    network = table_network(ROWS, "texts")
    ref, alt = scorer_of(network).score(
        [TokenWindows((tokens(1, 0),), (tokens(2, 0),)), TokenWindows((tokens(3, 0),), (tokens(1, 0, 0),))]
    )
    assert ref.tolist() == [ROWS[1], ROWS[3]]
    assert alt is not None
    assert alt.tolist() == [ROWS[2], ROWS[1]]


def test_of_both_strands_the_mean_counts() -> None:
    both = TokenWindows((tokens(1, 0), tokens(3, 0)), (tokens(2, 0), tokens(2, 0)))
    ref, alt = scorer_of(table_network(ROWS, "texts")).score([both])
    assert ref.tolist() == [[2.5, 25.0]]
    assert alt is not None
    assert alt.tolist() == [[2.0, 20.0]]
    assert ref.dtype == alt.dtype == np.float32


def test_a_sequence_without_a_variant_has_no_alt() -> None:
    ref, alt = scorer_of(table_network(ROWS, "texts")).score([TokenWindows((tokens(2, 0),))])
    assert (ref.tolist(), alt) == ([ROWS[2]], None)


def test_equal_windows_go_through_the_network_once_and_unequal_ones_of_equal_bytes_each() -> None:
    network = table_network(ROWS, "texts")
    scorer_of(network).score([TokenWindows((tokens(1, 0),), (tokens(2 + record % 2, 0),)) for record in range(10)])
    assert seen(network) == 3


def test_vectors_are_pooled_over_each_window_and_normalised_where_the_card_says() -> None:
    windows = [TokenWindows((tokens(1, 3),)), TokenWindows((tokens(2, 2, 2),))]
    for normalize in (False, True):
        card = ModelCard("x", (), settings={"pooling": ["mean", "max"], "normalize": normalize})
        ref, _ = TokenScorer(table_network(ROWS, "states"), card, vectors_of(card)).score(windows)
        # The mean of rows 1 and 3 is (2.5, 25), their greatest (4, 40).
        expected = np.array([[2.5, 25.0, 4.0, 40.0], [2.0, 20.0, 2.0, 20.0]], np.float32)
        if normalize:
            expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(ref, expected, rtol=1e-6)
