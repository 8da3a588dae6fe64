from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.errors import SpecError
from workers.text_models.token_windows import EntityWindows, ScoreWindows, Windows, given, over_windows

SCORES = np.array([[0.2, 0.9], [0.6, 0.1], [0.4, 0.5], [0.7, 0.3]], np.float32)


@pytest.mark.parametrize(
    ("how", "second"),
    [
        ({"aggregation": "mean"}, [17 / 30, 0.3]),
        ({"aggregation": "max"}, [0.7, 0.5]),
        # n = 3 windows, c = 2: (max + mean * 1.5) / 2.5
        ({"aggregation": "clinicalbert"}, [(0.7 + 17 / 30 * 1.5) / 2.5, (0.5 + 0.3 * 1.5) / 2.5]),
        ({"aggregation": "clinicalbert", "c": 3}, [(0.7 + 17 / 30) / 2, (0.5 + 0.3) / 2]),
    ],
)
def test_a_note_s_score_is_that_of_its_windows_and_of_one_window_its_own(how: Any, second: list[float]) -> None:
    scores = over_windows(SCORES, [1, 3], ScoreWindows.model_validate(how))
    assert scores.dtype == np.float32
    assert np.allclose(scores, [SCORES[0], second], atol=1e-6)
    assert np.array_equal(scores[0], SCORES[0])


def test_notes_of_one_window_each_keep_their_scores_bit_by_bit() -> None:
    assert np.array_equal(over_windows(SCORES, [1, 1, 1, 1], ScoreWindows(aggregation="clinicalbert")), SCORES)


@pytest.mark.parametrize(
    ("asked", "window", "stride"),
    [(Windows(), 512, 0), (EntityWindows(), 512, 127), (Windows(window=100, stride=97), 100, 97)],
)
def test_every_setting_is_written_out(asked: Windows, window: int, stride: int) -> None:
    resolved = asked.resolved(longest=512, special=2)
    assert (resolved.window, resolved.stride) == (window, stride)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Windows(window=513), "windows.window is 513, the model takes at most 512 tokens"),
        (Windows(window=100, stride=98), "windows.stride is 98, must be less than the 98 tokens of text in a window"),
    ],
)
def test_windows_that_do_not_fit_the_model_are_refused(asked: Windows, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        asked.resolved(longest=512, special=2)


def test_windows_without_room_for_text_are_refused() -> None:
    with pytest.raises(SpecError, match="less than the 0 tokens"):
        Windows(window=4).resolved(longest=512, special=4)


def test_the_step_stands_in_a_list_once() -> None:
    assert given([], Windows) is None
    step = ScoreWindows(window=9)
    assert given([step], ScoreWindows) is step
    with pytest.raises(SpecError, match="'windows' stands there twice"):
        given([step, step], ScoreWindows)
