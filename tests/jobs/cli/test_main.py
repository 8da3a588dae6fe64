"""Every way to be wrong ends with one line on stderr and the exit code that the README promises."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.cli import main as command_line
from schemas.errors import InfrastructureError
from tests.support.cli import ROOT, Said, Wardround

MakeSpec = Callable[..., Path]


def one_line(said: Said) -> bool:
    """Warnings, which a run may begin with, apart."""
    lines = [line for line in said.err.splitlines() if not line.startswith("wardround: warning: ")]
    return len(lines) == 1 and lines[0].startswith("wardround: ") and said.out == ""


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ([], "COMMAND"),
        (["stauts"], "did you mean 'status'?"),
        (["run"], "SPEC"),
        (["run", "spec.yaml", "--fast"], "--fast"),
        (["rows", "somewhere", "--status", "good"], "'good'"),
        (["status", "/nowhere/at/all"], "no run lies at /nowhere/at/all"),
        (["status", "ftp://somewhere"], "ftp://"),
        (["run", "/nowhere/spec.yaml"], "No such file"),
        (["gc", "/nowhere", "--older-than", "soon"], "write 90s, 5m or 2h"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(wardround: Wardround, words: list[str], hint: str) -> None:
    said = wardround(*words)
    assert said.code == 2
    assert one_line(said)
    assert hint in said.err


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"outputs": "{uri: x}"}, "unknown key 'outputs', did you mean 'output'?"),
        ({"compute": "{shard_record: 3}"}, "unknown key 'compute.shard_record', did you mean 'shard_records'?"),
        ({"input": "{collection: images, uri: /nowhere, formt: png}"}, "did you mean 'format'?"),
        ({"prepare": "[{clahee: {}}]"}, "did you mean 'clahe'?"),
        ({"job": "predikt"}, "did you mean 'predict'?"),
        ({"job": "train"}, "models: a train job has none"),
        ({"models": "{m: {uri: /nowhere}}"}, "/nowhere is empty or does not exist"),
        ({"input": "{collection: images, uri: /nowhere}"}, "no records"),
    ],
)
def test_a_wrong_spec_names_the_key_and_the_nearest_known_one(
    wardround: Wardround, make_spec: MakeSpec, changes: dict[str, str], hint: str
) -> None:
    said = wardround("run", make_spec(**changes))
    assert said.code == 2
    assert one_line(said)
    assert hint in said.err


def test_a_spec_that_is_no_yaml_says_near_which_line(wardround: Wardround, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("job: predict\nname: [open\n")
    said = wardround("run", tmp_path / "spec.yaml")
    assert said.code == 2
    assert "not valid YAML near line" in said.err


def test_an_output_inside_the_input_is_refused(wardround: Wardround, make_spec: MakeSpec, archive: Path) -> None:
    said = wardround("run", make_spec(output=f"{{uri: {archive}/out}}"))
    assert said.code == 2
    assert "output.uri lies inside input.uri" in said.err


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """A command that raises."""
    module = types.ModuleType("jobs.cli.broken")
    module.__dict__["EXAMPLES"] = ()

    def call(arguments: object) -> int:
        raise error

    module.add_arguments = lambda parser: None
    module.call = call
    monkeypatch.setitem(sys.modules, "jobs.cli.broken", module)
    monkeypatch.setitem(command_line.COMMANDS, "broken", "raises")


def test_an_unknown_exception_is_exit_code_1_and_its_text_is_not_shown(
    wardround: Wardround, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, ValueError("Mrs Smith, 1 Jan 1970"))
    said = wardround("broken")
    assert said.code == 1
    assert one_line(said)
    assert "internal error ValueError at test_main.py:" in said.err
    assert "Smith" not in said.err


def test_wardround_debug_shows_the_traceback(wardround: Wardround, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROUND_DEBUG", "1")
    broken(monkeypatch, ValueError("why"))
    said = wardround("broken")
    assert "Traceback" in said.err
    assert "ValueError: why" in said.err


def test_an_error_of_several_lines_is_told_in_one(wardround: Wardround, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, InfrastructureError("the store\nis down"))
    said = wardround("broken")
    assert (said.code, said.err) == (4, "wardround: the store is down\n")


def test_an_interrupt_is_exit_code_130(wardround: Wardround, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, KeyboardInterrupt())
    assert wardround("broken").code == 130


def test_an_interrupt_while_the_command_is_imported_is_no_traceback() -> None:
    code = (
        "import sys, types\n"
        "def find_spec(name, *rest):\n"
        "    if name == 'jobs.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, types.SimpleNamespace(find_spec=find_spec))\n"
        "from jobs.__main__ import main\n"
        "sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "wardround: interrupted\n")


_SIGNALLED = """
import atexit, os, signal, sys, threading, time, types

def terminate():
    os.kill(os.getpid(), signal.SIGTERM)

def find_spec(name, *rest):
    if name == 'jobs.cli.main': terminate()

def late():
    time.sleep(0.3)
    terminate()
    time.sleep(30)

when = sys.argv.pop()
if when == 'imported': sys.meta_path.insert(0, types.SimpleNamespace(find_spec=find_spec))
if when == 'exiting': atexit.register(terminate)
from jobs.__main__ import main
code = main()
if when == 'waiting': threading.Thread(target=late).start()
sys.exit(code)
"""


@pytest.mark.parametrize(("when", "code"), [("imported", 130), ("waiting", 0), ("exiting", 0)])
def test_sigterm_is_ctrl_c_from_the_first_line_and_changes_no_answer_at_the_last(when: str, code: int) -> None:
    command = [sys.executable, "-c", _SIGNALLED, "schema", when]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == code, done.stderr
    assert done.stderr == ("wardround: interrupted\n" if code else "")


def test_a_reader_that_has_seen_enough_is_no_error(run_dir: Path) -> None:
    command = f"{sys.executable} -m jobs rows {run_dir} --limit 0 | head -c 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_help_names_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert set(command_line.COMMANDS) <= set(text.split())
    assert all(code in " ".join(text.split()) for code in ("0 complete", "6 reject limit", "130 interrupted"))


@pytest.mark.parametrize("name", sorted(command_line.COMMANDS))
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], name: str) -> None:
    with pytest.raises(SystemExit):
        command_line.main([name, "--help"])
    assert f"usage: wardround {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["run", "status", "rows", "verify", "gc", "plan"])
def test_no_command_waits_for_torch_or_ray_before_it_needs_them(name: str) -> None:
    code = (
        f"import sys, jobs.cli.{name}; sys.exit(bool({{'torch', 'ray', 'transformers', 'boto3'}} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=180, check=False).returncode == 0
