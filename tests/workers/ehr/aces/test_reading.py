"""An ACES file that cannot be meant so is refused, and the message names the place."""

from __future__ import annotations

import re

import pytest

from schemas.errors import SpecError
from tests.support.aces_cases import at
from workers.ehr.aces.config import DerivedPredicate, PlainPredicate
from workers.ehr.aces.reading import read_config
from workers.ehr.aces.task import compile_task

GOOD = """
description: A task
predicates:
  adm: {code: ADM}
  dis: {code: {any: [DIS, GONE]}}
  death: {code: {regex: "^DEATH"}}
  end_of_stay: {expr: "or(dis, death)"}
  never_used: ???
patient_demographics:
  female: {code: GENDER//F}
trigger: adm
windows:
  input: {start: null, end: trigger + 24h, start_inclusive: true, end_inclusive: true, index_timestamp: end}
  gap:
    start: input.end
    end: start + 24h
    start_inclusive: false
    end_inclusive: true
    has: {end_of_stay: "(None, 0)"}
  target: {start: gap.end, end: start -> end_of_stay, start_inclusive: false, end_inclusive: true, label: death}
"""

WRONG = {
    "windows: [": ("windows:", "not valid YAML near line"),
    "a: 1\na: 2": (None, "key 'a' stands there twice, again in line 2"),
    "- a": (None, "expected the keys predicates, trigger and windows, found list"),
    "triger: adm": ("trigger: adm", "unknown key 'triger', did you mean 'trigger'?"),
    "trigger: {adm: 1}": ("trigger: adm", "trigger: name the predicate that starts it"),
    "trigger: admm": ("trigger: adm", "trigger: predicate 'admm' is not defined, did you mean 'adm'?"),
    "trigger: never_used": ("trigger: adm", "predicates.never_used: not defined yet (found str"),
    "trigger: female": ("trigger: adm", "trigger: predicate 'female' is static"),
    "{code: 12}": ("{code: ADM}", "predicates.adm: code"),
    "{code: {regx: A}}": ("{code: ADM}", "predicates.adm: "),
    "{code: {regex: A, any: [A]}}": ("{code: ADM}", "give either regex or any"),
    "{code: {any: []}}": ("{code: ADM}", "predicates.adm: code"),
    '{code: {regex: "(?=A)"}}': ("{code: ADM}", "predicates.adm.code.regex is no regular expression"),
    "{code: ADM, value_min: '3'}": ("{code: ADM}", "predicates.adm: value_min"),
    "and(dis)": ("or(dis, death)", "is not and(a, b, ...)"),
    "or(dis, and(death, adm))": ("or(dis, death)", "no nesting"),
    "or(dis, deaht)": ("or(dis, death)", "predicates.end_of_stay: predicate 'deaht' is not defined, did you mean"),
    "or(dis, end_of_stay)": ("or(dis, death)", "is made of itself: end_of_stay -> end_of_stay"),
    "or(dis, _ANY_EVENT)": ("or(dis, death)", "predicate '_ANY_EVENT' is not defined"),
    "_ANY_EVENT: {code: A}\n  adm:": ("adm:", "_ANY_EVENT has its own meaning and cannot be defined"),
    "a-b: {code: A}\n  adm:": ("adm:", "name 'a-b' must be letters, digits and _"),
    "trigger ++ 24h": ("trigger + 24h", "has '+' more than once"),
    "trigger + -24h": ("trigger + 24h", "has both '+' and '-'"),
    "trigger + 2 months": ("trigger + 24h", "'2 months' is no length of time"),
    "trigger + 9999999 weeks": ("trigger + 24h", "longer than 31,700 years"),
    "trigger <-> adm": ("trigger + 24h", "has both '->' and '<-'"),
    "trigger -> a-b": ("trigger + 24h", "'a-b' is no name of a predicate"),
    "gap end + 24h": ("trigger + 24h", "'gap end' is neither trigger, start, end nor"),
    "gap.foo": ("trigger + 24h", "'gap.foo' is neither trigger, start, end nor"),
    "adm + 24h": ("trigger + 24h", "windows.input refers to 'adm': write trigger, <window>.start or <window>.end"),
    "gep.end + 24h": ("trigger + 24h", "window 'gep', which is not there, did you mean 'gap'?"),
    "target.end + 24h": ("trigger + 24h", "windows refer in a circle: "),
    "start: gap.end, end: gap.end": ("start: gap.end, end: start -> end_of_stay", "exactly one of start and end has"),
    "start: gap.end, end: null": ("start: null, end: trigger + 24h", "windows refer in a circle"),
    "start: null, end: null": ("start: null, end: trigger + 24h", "exactly one of start and end has to refer"),
    "end: start - 24h": ("end: start + 24h", "start 'input.end' does not come before end 'start - 24h'"),
    "end: start + 0h": ("end: start + 24h", "windows.gap: start and end are one point, so nothing can be asked"),
    "end: start, start_": ("end: start -> end_of_stay, start_", "windows.target: start and end are one point, so it"),
    "start -> _RECORD_START": ("start -> end_of_stay", "no record goes that way to its _RECORD_START"),
    "start_inclusive: 1": ("start_inclusive: true", "windows.input: start_inclusive"),
    "index_timestamp: middle": ("index_timestamp: end", "windows.input: index_timestamp"),
    "end_inclusive: true}": ("end_inclusive: true, index_timestamp: end}", "exactly one window has to give the time"),
    "label: death, index_timestamp: end}": ("label: death}", "of prediction, found input, target"),
    'has: {end_of_stay: "(None, 0)"}\n    label: adm': ('has: {end_of_stay: "(None, 0)"}', "have a label each"),
    "label: _ANY_EVENT": ("label: death", "windows.target.label: _ANY_EVENT cannot be a label"),
    "label: deth": ("label: death", "windows.target.label: predicate 'deth' is not defined"),
    "{end_of_stay: (None, 0)}": ('{end_of_stay: "(None, 0)"}', "write ranges in quotes"),
    '{end_of_stay: "(0)"}': ('{end_of_stay: "(None, 0)"}', "end_of_stay: '(0)' is not (min, max)"),
    '{end_of_stay: "(2, 1)"}': ('{end_of_stay: "(None, 0)"}', "no number lies between 2 and 1"),
    '{end_of_stay: "(None, None)"}': ('{end_of_stay: "(None, 0)"}', "limits nothing"),
    '{female: "(1, None)"}': ('{end_of_stay: "(None, 0)"}', "windows.gap: predicate 'female' is static"),
    '{"*": "(1, None)"}': ('{end_of_stay: "(None, 0)"}', "windows.gap.has: predicate '*' is not defined"),
}


def test_a_good_file_is_read() -> None:
    task = compile_task(GOOD, where="task.yaml")
    assert [node.name for node in task.tree.nodes] == ["input.end", "input.start", "gap.end", "target.end"]
    assert sorted(task.config.predicates) == ["adm", "death", "dis", "end_of_stay", "female"]


@pytest.mark.parametrize("bad", WRONG)
def test_what_is_wrong_is_named(bad: str) -> None:
    good, message = WRONG[bad]
    text = bad if good is None else GOOD.replace(good, bad, 1)
    assert text != GOOD
    with pytest.raises(SpecError, match=re.escape(message)) as raised:
        compile_task(text, where="task.yaml")
    assert str(raised.value).startswith("task.yaml: ")


def test_a_second_file_fills_in_and_replaces_predicates() -> None:
    second = "predicates: {adm: {code: ADM2}}\npatient_demographics: {female: {code: SEX//F}, old: {code: OLD}}"
    config = read_config(GOOD, second, "task.yaml")
    assert config.predicates["adm"] == PlainPredicate(code="ADM2")
    assert config.predicates["female"] == PlainPredicate(code="SEX//F", static=True)
    assert config.static == ("female", "old")
    with pytest.raises(SpecError, match=r"the predicates file of task.yaml: unknown key 'windows'"):
        read_config(GOOD, "windows: {}", "task.yaml")


def test_words_of_yaml_1_1_are_words() -> None:
    config = read_config(GOOD.replace("{code: ADM}", "{code: NO, side: on, at: 12:30}"), None, "task.yaml")
    assert config.predicates["adm"] == PlainPredicate(code="NO", other_cols={"side": "on", "at": "12:30"})


def test_other_columns_are_written_as_keys_or_in_other_cols() -> None:
    text = GOOD.replace("{code: ADM}", "{code: ADM, ward: A, other_cols: {bed: 3}}")
    assert read_config(text, None, "task.yaml").predicates["adm"] == PlainPredicate(
        code="ADM", other_cols={"bed": 3, "ward": "A"}
    )


def test_a_derived_predicate_names_its_inputs() -> None:
    assert DerivedPredicate(expr="and( a ,b, c)").inputs == ("a", "b", "c")
    assert DerivedPredicate(expr="or(a, b)").is_and is False


def test_files_that_would_never_end_are_refused_or_end() -> None:
    levels = "".join(f"  p{n}: {{expr: 'or(p{n - 1}, p{n - 1})'}}\n" for n in range(1, 200))
    text = GOOD.replace("  never_used: ???\n", f"  p0: {{code: A}}\n{levels}")
    with pytest.raises(SpecError, match=r"predicates.p199 is made of others over more than 64 levels"):
        compile_task(text.replace("label: death", "label: p199"))
    assert compile_task(text.replace("label: death", "label: p40")).rows(at((1, 0, "ADM"))).height == 0
    window = "  w{0}: {{start: trigger, end: start + 1h, start_inclusive: true, end_inclusive: true}}\n"
    with pytest.raises(SpecError, match="windows: 303 are more than the 256 that a task may have"):
        compile_task(GOOD + "".join(window.format(number) for number in range(300)))
