"""Every help page says what the command does, and shows how it is typed."""

from __future__ import annotations

import re
import shlex

import pytest

from jobs.cli.main import COMMANDS, whole_parser
from jobs.export.exporting import exports
from tests.support.cli import Wardround

PAGES = [[], *([name] for name in COMMANDS), *(["export", name] for name in exports())]
PAGES += [["model", name] for name in ("inspect", "verify", "card", "export")]


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_it_has_an_example_that_the_command_line_takes(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        whole_parser().parse_args([*words, "--help"])
    assert end.value.code == 0
    page = capsys.readouterr().out
    examples = re.findall(r"^  (?:eval \"\$\()?(wardround [^)>|#\n]+)", page.partition("example")[2], re.MULTILINE)
    assert examples
    for example in examples:
        typed = shlex.split(example)[1:]
        whole_parser().parse_args(typed)
        assert not words or typed[: len(words)] == words


def test_a_page_is_shown_without_importing_the_other_commands(wardround: Wardround) -> None:
    with pytest.raises(SystemExit):
        wardround("status", "--help")
