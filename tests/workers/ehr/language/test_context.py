"""ConText: each case is a sentence, a term in it, and the flags that a clinician would give it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import SpecError
from workers.ehr.language.context import ContextRules
from workers.ehr.language.rules import FLAGS, TriggerGroup, load_rules
from workers.ehr.language.segments import segment_of, segments

CASES = Path(__file__).parents[3] / "cases" / "language" / "context"
RULES = load_rules()
CONTEXT = ContextRules(RULES.triggers, RULES.lists)


def cases() -> list[pytest.param]:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            found.append(pytest.param(case["text"], frozenset(case["is"]), id=f"{path.stem}: {case['text']}"))
    return found


def flags_of(marked: str) -> frozenset[str]:
    start = marked.index("[[")
    end = marked.index("]]") - 2
    text = marked.replace("[[", "").replace("]]", "")
    return CONTEXT.flags(text, segments(text), [(start, end)])[0]


@pytest.mark.parametrize(("text", "expected"), cases())
def test_the_flags_of_a_term_are_those_that_a_clinician_gives_it(text: str, expected: frozenset[str]) -> None:
    assert flags_of(text) == expected


@pytest.mark.parametrize(("text", "expected"), cases()[::7])
def test_flags_do_not_depend_on_what_stands_in_other_paragraphs(text: str, expected: frozenset[str]) -> None:
    assert flags_of(f"Denies everything of note, no.\n\n{text}\n\nNo fever. Mother had a stroke.") == expected


def test_each_kind_of_rule_has_cases_and_there_are_at_least_sixty() -> None:
    wanted = [case.values[1] for case in cases()]
    assert len(wanted) >= 60
    assert all(any(flag in flags for flags in wanted) for flag in FLAGS)


def test_a_trigger_reaches_no_further_than_its_scope() -> None:
    context = ContextRules([TriggerGroup(flag="negated", direction="forward", phrases=("no",), scope=2)])
    text = "no big fever cough"
    near, far = (4, 7), (13, 18)
    assert context.flags(text, segments(text), [near, far]) == [frozenset({"negated"}), frozenset()]


def test_the_longest_phrase_of_a_flag_counts_at_a_place() -> None:
    groups = [
        TriggerGroup(flag="negated", direction="forward", phrases=("no",)),
        TriggerGroup(flag="negated", direction="pseudo", phrases=("no change in",)),
        TriggerGroup(flag="uncertain", direction="forward", phrases=("no",)),
    ]
    text = "No change in cough, no fever"
    found = ContextRules(groups).flags(text, segments(text), [(13, 18), (23, 28)])
    assert found == [frozenset({"uncertain"}), frozenset({"negated", "uncertain"})]


@pytest.mark.parametrize(
    "phrase", ["", "<eol>", "<eol> no", "no <eol> more", "{|no} <end>", "<2> no", "no <kin>", "{no", "{no|a <2> b}"]
)
def test_a_phrase_that_is_not_written_as_one_is_refused(phrase: str) -> None:
    with pytest.raises(SpecError, match="context rules"):
        ContextRules([TriggerGroup(flag="negated", direction="forward", phrases=(phrase,))])


def test_our_rules_have_at_least_150_triggers_and_say_no_phrase_twice_in_a_group() -> None:
    assert sum(len(group.phrases) for group in RULES.triggers) >= 150
    for group in RULES.triggers:
        assert len({phrase.lower() for phrase in group.phrases}) == len(group.phrases), group.sense


def test_rules_in_a_model_directory_replace_ours_and_have_another_digest(tmp_path: Path) -> None:
    (tmp_path / "context.yaml").write_text("- {flag: negated, direction: forward, phrases: [sans]}\n")
    own = load_rules(tmp_path)
    assert [group.phrases for group in own.triggers] == [("sans",)]
    assert own.sections == RULES.sections
    assert own.digest != RULES.digest


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{a: 1}", "must be a list"),
        ("- {flag: denied, direction: forward, phrases: [no]}", "rule 0: flag"),
        ("- {flag: negated, direction: forward, words: [no]}", "rule 0: phrases"),
        ("- [", "not valid YAML"),
    ],
)
def test_a_wrong_rule_file_is_refused_with_the_rule_and_the_key(tmp_path: Path, body: str, said: str) -> None:
    (tmp_path / "context.yaml").write_text(body)
    with pytest.raises(SpecError, match=said):
        load_rules(tmp_path)


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(alphabet=st.sampled_from("no fever.\n,;:?-AB1 \r\t’é"), min_size=1, max_size=60),
    starts=st.one_of(st.none(), st.lists(st.integers(0, 59), max_size=5)),
)
def test_stretches_cover_the_text_without_gaps(text: str, starts: list[int] | None) -> None:
    given_starts = None if starts is None else [start for start in starts if start < len(text)]
    spans = segments(text, given_starts)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start <= at < end for at in range(len(text)) for start, end in [segment_of(spans, at)])


def test_a_sentence_that_a_pipeline_begins_in_the_middle_of_a_line_is_not_believed() -> None:
    text = "Denies chest pain radiating to arm. Has fever."
    assert segments(text, [0, 18, 36]) == [(0, 36), (36, len(text))]
