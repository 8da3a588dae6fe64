"""A spaCy config is measured before its variables are put in: forty lines can stand for more than any memory holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import SecurityError, SpecError
from workers.ehr.notes.formats.spacy.config import read_config
from workers.ehr.notes.formats.spacy.expansion import check_values, check_variables

HEAD = '[nlp]\nlang = "en"\npipeline = []\n[components]\n'


def read(folder: Path, text: str) -> dict[str, object]:
    (folder / "config.cfg").write_text(HEAD + text)
    return read_config(folder)


BOMB = '[x]\na0 = "' + "z" * 100 + '"\n' + "".join(f'a{i + 1} = "' + f"${{x.a{i}}}" * 10 + '"\n' for i in range(9))
TREE = "".join(f"[s{i}]\nx = ${{s{i + 1}}}\ny = ${{s{i + 1}}}\n" for i in range(40)) + "[s40]\nx = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        BOMB.replace("x.a", "x:a"),
        TREE,
        '[x]\na = "${x.b}${x.b}"\nb = "${x.a}${x.a}"\n',
        "[s1]\nx = ${s2}\n[s2]\nx = ${s1}\n",
        "".join(f"[s{i}]\n" for i in range(50_000)),
        "".join("[" + ".".join("a" * depth) + "]\n" for depth in range(1, 500)),
        '[x]\na = "' + "$" * 100_000 + '"\n',
        "[x]\na = 1\na = 2\n",
        "[a.b.c]\nx = 1\n",
        "[x]\na = ${nowhere.b}\n",
    ],
    ids=["bomb", "with colons", "tree", "circle", "sections", "many", "deep", "signs", "twice", "orphan", "nowhere"],
)
def test_a_config_that_stands_for_too_much_is_a_wrong_directory(tmp_path: Path, text: str) -> None:
    with pytest.raises(SpecError, match=r"config\.cfg: "):
        read(tmp_path, text)


def test_the_variables_of_real_configs_are_put_in(tmp_path: Path) -> None:
    assert read(tmp_path, '[paths]\ntrain = "a"\n[x]\ny = ${paths.train}\nz = "${x.y}/${x:y}"\nwhole = ${paths}\n')
    check_variables('[x]\na = "${a}"\n')
    check_values({"x": {"y": [1, 2, {"z": 3}]}})


@pytest.mark.parametrize("name", ["/etc", "a/b", "..", "\\x", "-x"])
def test_a_component_whose_files_would_lie_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    text = f'[nlp]\nlang = "en"\npipeline = ["{name}"]\n[components]\n[components.{name}]\nfactory = "ner"\n'
    (tmp_path / "config.cfg").write_text(text)
    with pytest.raises((SecurityError, SpecError)):
        read_config(tmp_path)
