from workers.evaluation.flow import boxes, flow_picture

CELLS = [
    {"outcome": "sick", "part": "left out", "state": "evaluated", "rows": 7},
    {"outcome": "sick", "part": "test", "state": "evaluated", "rows": 80},
    {"outcome": "sick", "part": "test", "state": "no label", "rows": 9},
    {"outcome": "sick", "part": "test", "state": "not scored", "rows": 4},
    {"outcome": "sick", "part": "tuning", "state": "evaluated", "rows": 50},
    {"outcome": "sick", "part": "tuning", "state": "no label", "rows": 5},
]


def test_boxes_add_up_from_all_rows_to_those_that_are_evaluated() -> None:
    found = boxes(CELLS)
    assert [(box.text, box.rows) for box in found if not box.leaves] == [
        ("rows of the run", 155),
        ("test rows", 93),
        ("evaluated", 80),
    ]
    left = found[0].rows
    for box in found[1:]:
        left -= box.rows if box.leaves else 0
        assert box.leaves or box.rows == left


def test_the_diagram_says_every_number_in_words() -> None:
    picture = flow_picture("sick", CELLS)
    assert picture.words == (
        "rows of the run: 155; in neither part: 7; tuning rows: 55; test rows: 93; no label: 9; not scored: 4; "
        "evaluated: 80"
    )
    for text in ("no label: 9", "evaluated: 80"):
        assert text in picture.svg


def test_a_run_without_a_row_to_evaluate_has_its_diagram() -> None:
    assert [box.rows for box in boxes([])] == [0, 0, 0]
