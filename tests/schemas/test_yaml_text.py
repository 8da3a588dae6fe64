"""What people and attackers write is read, or refused in one sentence, before it costs anything."""

from __future__ import annotations

import json
import time

import pytest

from schemas.errors import SpecError
from schemas.yaml_text import load_yaml


def bomb(kind: str) -> str:
    opening = "a0: &a0 {k: 1, l: 2}\n" if kind == "mapping" else "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
    links = (f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}" for n in range(1, 40))
    if kind == "list":
        links = (f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    if kind == "merge":
        links = (f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 40)}], k{n}: 1}}" for n in range(1, 8))
        opening = "a0: &a0 {k: 1}\n"
    if kind == "chain":
        links = (f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 3000))
    return opening + "\n".join(links)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb("list"), "too large"),
        (bomb("mapping"), "too large"),
        (bomb("merge"), "too large"),
        (bomb("chain"), "too large"),
        ("x: &x [*x]", "refers to itself"),
        ("x: &x {y: {z: *x}}", "refers to itself"),
        ("x: &x {<<: *x}", "refers to itself"),
        ("x: " + "[" * 20000, "nested deeper than 64 levels"),
        ("x: " + "{a: " * 20000, "nested deeper than 64 levels"),
        ("- " * 5000, "nested deeper than 64 levels"),
        ("x: " + "9" * 5000, "no int that can be read"),
        ("x: 2024-13-45", "no timestamp that can be read"),
        ("x: !!binary aGVsbG8=", "means nothing here"),
        ("x: !!set {a, b}", "means nothing here"),
        ("x: !mine {a: 1}", "means nothing here"),
        ("x: !!python/object/apply:os.system [true]", "means nothing here"),
        ("x: !!int [1]", "not valid YAML"),
        ("a: 1\n\tb: 2", "near line 2, column 1: a tab stands where YAML wants spaces"),
        ("a: [1, 2", "not valid YAML near line 1"),
        ("a: *b", "undefined alias 'b'"),
        ("a: 1\na: 2", "key 'a' stands there twice, again in line 2"),
        ("a: 1\n---\na: 2", "another document"),
        ("a: \0", "not valid YAML"),
        ("? [a]\n: b", "not valid YAML"),
        ("x: [" + "1, " * 50000 + "1]", "too many values"),
        ("# " + "x" * (1 << 20), "larger than 1 MiB"),
    ],
)
def test_it_is_refused_within_a_second_and_in_one_sentence(text: str, said: str) -> None:
    began = time.process_time()
    with pytest.raises(SpecError) as caught:
        load_yaml(text, "study.yaml")
    assert str(caught.value).startswith("study.yaml: ")
    assert said in str(caught.value)
    assert time.process_time() - began < 3  # a second on an idle machine


def test_anchors_that_save_typing_are_read() -> None:
    text = "a: &a {x: 1}\nb: {<<: *a, y: [*a, *a]}\nday: 2024-02-03\n"
    assert load_yaml(text, "spec")["b"] == {"x": 1, "y": [{"x": 1}, {"x": 1}]}


def test_an_empty_text_is_nothing() -> None:
    assert load_yaml("", "spec") is None


def test_a_character_that_json_writes_in_two_halves_is_one() -> None:
    assert load_yaml(json.dumps({"😀": "a😀é"}), "spec") == {"😀": "a😀é"}


@pytest.mark.parametrize("text", ['a: "x\\ud800"', '{"a": "\\ude00\\ud83d"}', '"\\udcff": 1'])
def test_half_a_character_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(SpecError, match="line 1: a text has half a character"):
        load_yaml(text, "spec")
