"""What a shell is told of the command line is what its parsers say."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from jobs.cli.main import COMMANDS, whole_parser
from jobs.completion import SHELLS, lines, script


def completed(*words: str) -> list[str]:
    """What bash offers for the last of these words."""
    asked = " ".join(f"'{word}'" for word in words)
    code = f"{script(whole_parser(), 'bash')}\nCOMP_WORDS=({asked}); COMP_CWORD={len(words) - 1}; _wardround; "
    done = subprocess.run(["bash", "-c", code + 'echo "${COMPREPLY[@]}"'], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["wardround", "st"], ["status"]),
        (["wardround", "export", "sc"], []),
        (["wardround", "export", "ss"], ["sscore"]),
        (["wardround", "run", "--pro"], ["--progress"]),
        (["wardround", "run", "--progress", "pl"], ["plain"]),
        (["wardround", "demo", "e"], ["ehr"]),
        (["wardround", "rows", "x", "--status", "unr"], ["unreadable"]),
        (["wardround", "run", ""], []),
        (["wardround", "export", "meds", "--th"], ["--threshold"]),
    ],
)
def test_bash_offers_what_can_stand_there(words: list[str], offered: list[str]) -> None:
    assert completed(*words) == offered


def test_every_command_and_option_is_known() -> None:
    known = {line.path: line for line in lines(whole_parser())}
    assert set(known[()].words) == set(COMMANDS)
    assert {"--sample", "--workers", "--all", "--json", "--help"} <= set(known[("plan",)].options)
    assert known[("plan",)].options["--json"] is None


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_that_is_here_reads_its_script(shell: str) -> None:
    text = script(whole_parser(), shell)
    assert "wardround" in text
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_stands_in_every_script(shell: str) -> None:
    text = script(whole_parser(), shell)
    for line in lines(whole_parser()):
        for word in (*line.words, *line.options):
            known = f"-l {word[2:]}" if shell == "fish" and word.startswith("--") else word
            known = f"-s {word[1:]}" if shell == "fish" and word.startswith("-") and word[1] != "-" else known
            assert re.search(rf"(?<!\S|\w){re.escape(known)}\b", text.replace('"', " ").replace("'", " ")), (
                line.path,
                word,
            )


def test_fish_offers_files_where_an_option_takes_one_and_the_known_values_where_there_are_some() -> None:
    text = script(whole_parser(), "fish").splitlines()
    assert "complete -c wardround -n '__fish_seen_subcommand_from init' -l input -r" in text
    (progress,) = [line for line in text if "from run'" in line and "-l progress" in line]
    assert "-r -fa 'auto" in progress
