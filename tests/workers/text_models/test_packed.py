"""Packed attention against the same of one text at a time."""

from __future__ import annotations

import torch
from torch.nn import functional

from workers.text_models.packed import attend, positions, segments_of


def test_texts_of_one_length_that_follow_each_other_are_one_segment() -> None:
    assert segments_of([9, 9, 70, 9]) == [(0, 2, 9), (18, 1, 70), (88, 1, 9)]
    assert segments_of([]) == []


def test_every_text_attends_to_itself_alone() -> None:
    torch.manual_seed(0)
    lengths = [3, 3, 5, 1]
    query, key, value = (torch.randn(1, 2, sum(lengths), 4) for _ in range(3))
    found, _ = attend(None, query, key, value, None, segments=segments_of(lengths))
    at = 0
    for length in lengths:
        part = slice(at, at + length)
        alone = functional.scaled_dot_product_attention(query[:, :, part], key[:, :, part], value[:, :, part])
        assert torch.allclose(found[:, part], alone.transpose(1, 2), atol=1e-6)
        at += length


def test_without_segments_all_tokens_are_one_text() -> None:
    query, key, value = (torch.randn(1, 2, 6, 4) for _ in range(3))
    found, _ = attend(None, query, key, value, None, scaling=0.3)
    whole = functional.scaled_dot_product_attention(query, key, value, scale=0.3)
    assert torch.allclose(found, whole.transpose(1, 2), atol=1e-6)


def test_positions_begin_anew_with_each_text() -> None:
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    assert positions(ids, [2, 3], None).tolist() == [[0, 1, 0, 1, 2]]


def test_those_of_roberta_stand_behind_the_padding_token_and_skip_it() -> None:
    ids = torch.tensor([[0, 6, 2, 0, 1, 2]])
    assert positions(ids, [3, 3], padding_idx=1).tolist() == [[2, 3, 4, 2, 1, 3]]
