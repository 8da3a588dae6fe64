"""Make a mistake and see how it ends."""

from __future__ import annotations

import atexit
import contextlib
import copy
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from cluster.embedded_s3 import EmbeddedS3
from jobs.cli.main import main
from tests.support.mistakes import damage
from tests.support.mistakes.corpus import Mistake
from tests.support.mistakes.forking import forks
from tests.support.mistakes.world import WORLDS

ROOT = Path(__file__).parents[3]
_LONGEST = 120
_Way = Callable[[Sequence[str]], tuple[int | None, str]]
_WARNING = "wardround: warning: "
_NOBODY = 65534
_USUAL = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1", "NO_PROXY": "127.0.0.1,localhost"}
_UNSET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "RAY_ADDRESS")


@dataclass(frozen=True)
class Ending:
    """How one command ended. `code` is None where it did not end in time."""

    words: Sequence[str]
    code: int | None
    said: str
    seconds: float

    def faults(self, mistake: Mistake) -> list[str]:
        """What is wrong with it."""
        found = [] if self.code == mistake.code else [f"exit {self.code} instead of {mistake.code}"]
        lines = [line for line in self.said.splitlines() if line.strip() and not line.startswith(_WARNING)]
        if mistake.code and (len(lines) != 1 or not lines[0].startswith("wardround: ")):
            found.append(f"{len(lines)} lines instead of one sentence")
        found += [f"does not say {part!r}" for part in mistake.says if part not in self.said]
        if "internal error" in self.said or "Traceback" in self.said or "terminate called" in self.said:
            found.append("is an internal error")
        return found


_folders: list[Path] = []


@cache
def _made(base: str) -> tuple[Path, Mapping[str, Any]]:
    folder = Path(tempfile.mkdtemp(prefix=f"wr-mistakes-{base}-"))
    _folders.append(folder)
    return folder, WORLDS[base](folder)


def forget_worlds() -> None:
    """Remove what was made to be copied."""
    while _folders:
        shutil.rmtree(_folders.pop())
    _made.cache_clear()


def make(mistake: Mistake, folder: Path) -> None:
    """Lay out the case: files, spec, damage."""
    world, spec = _made(mistake.base)
    shutil.copytree(world, folder, symlinks=True, dirs_exist_ok=True)
    text = mistake.text
    if text is None:
        text = yaml.safe_dump(_changed(spec, mistake.set), sort_keys=False, allow_unicode=True)
    for path, content in {"spec.yaml": text, **mistake.write}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(_filled(content, folder), encoding="utf-8")
    if mistake.do:
        name, *given = mistake.do
        getattr(damage, name)(folder, *given)
    if mistake.as_user and os.geteuid() == 0:
        _warm(mistake.base)
        _give_away(folder)


@cache
def _warm(base: str) -> None:
    """What a right run imports is imported before somebody else does, who may not read where Python lies."""
    with tempfile.TemporaryDirectory(prefix="wr-mistake-") as folder:
        right = Mistake("", "none", 0, (), base=base)
        make(right, Path(folder))
        endings = [_ended(words, right, Path(folder), _here) for words in (("run", "SPEC"), ("verify", "HERE/out"))]
        assert [ending.code for ending in endings] == [0, 0], endings


def _give_away(folder: Path) -> None:
    folder.chmod(0o755)
    for at, _, names in os.walk(folder):
        for path in (at, *(os.path.join(at, name) for name in names)):
            os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)


def _filled(text: str, folder: Path) -> str:
    text = text.replace("HERE", str(folder))
    if any(word in text for word in ("ENDPOINT", "BUCKET", "SECRET", "KEY")):
        store = s3()
        for word, value in store.items():
            text = text.replace(word, value)
    return text


@cache
def s3() -> Mapping[str, str]:
    """A server, started when it is first asked for, with what the words of the corpus stand for."""
    folder = Path(tempfile.mkdtemp(prefix="wr-mistakes-s3-"))
    server = EmbeddedS3(folder, "wardround")
    server.__enter__()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.__exit__, None, None, None)
    keys = server.environment
    return {
        "ENDPOINT": server.endpoint_url,
        "BUCKET": "wardround",
        "SECRET": keys["AWS_SECRET_ACCESS_KEY"],
        "KEY": keys["AWS_ACCESS_KEY_ID"],
    }


def _changed(spec: Mapping[str, Any], changes: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = copy.deepcopy(dict(spec))
    for path, value in changes.items():
        *above, last = path.split(".")
        inside = found
        for key in above:
            inside = inside.setdefault(key, {})
        if value is None:
            inside.pop(last, None)
        else:
            inside[last] = value
    return dict(found)


def attempt(mistake: Mistake, folder: Path, *, alone: bool = False, forked: bool = False) -> list[Ending]:
    """Every command of the mistake in a folder that `make` laid out. `alone`: as a process of its own, if it may;
    `forked`: as one that need not import anything."""
    way = _here
    if is_alone(mistake, alone):
        way = _as_fork if forked and not mistake.alone else _as_process
    return [_ended(words, mistake, folder, way) for words in mistake.commands]


def is_alone(mistake: Mistake, alone: bool) -> bool:
    """Whether a process of its own tries it: never where root lets somebody else try, who may lack the right to start
    a Python that lies in root's folders."""
    return mistake.alone or (alone and not (mistake.as_user and os.geteuid() == 0))


def _ended(words: Sequence[str], mistake: Mistake, folder: Path, way: _Way) -> Ending:
    named = [_filled(word.replace("SPEC", str(folder / "spec.yaml")), folder) for word in words]
    if named[0] == "run":
        named += ["--progress", "none"]
    began = time.monotonic()
    with _environment(mistake.env, folder), _as_user(mistake.as_user):
        code, said = way(named)
    return Ending(words, code, said, time.monotonic() - began)


@contextlib.contextmanager
def _as_user(wanted: bool) -> Iterator[None]:
    """Root may read and write everything: for a while somebody else does what is done."""
    change = wanted and os.geteuid() == 0
    if change:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if change:
            os.seteuid(0)


@contextlib.contextmanager
def _environment(changes: Mapping[str, str | None], folder: Path) -> Iterator[None]:
    before = dict(os.environ)
    try:
        for name in _UNSET:
            os.environ.pop(name, None)
        usual = {"HOME": "HERE", "WARDROUND_CACHE": "HERE/.cache", "PYTHONPATH": f"HERE/site:{ROOT}", **_USUAL}
        for name, value in {**usual, **changes}.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = _filled(str(value), folder)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _as_process(words: Sequence[str]) -> tuple[int | None, str]:
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "jobs", *words], cwd=ROOT, capture_output=True, text=True, timeout=_LONGEST
        )
    except subprocess.TimeoutExpired:
        return None, "did not end"
    return ended.returncode, _said(words, ended.stdout, ended.stderr)


def _as_fork(words: Sequence[str]) -> tuple[int | None, str]:
    code, shown, said = forks(_LONGEST).run(words)
    return code, "did not end" if code is None else _said(words, shown, said)


class _TooLongError(BaseException):
    """The command did not end."""


def _here(words: Sequence[str]) -> tuple[int | None, str]:
    said, shown = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(shown), _limited():
        try:
            code: int | None = main(words)
        except _TooLongError:
            code = None
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return code, _said(words, shown.getvalue(), said.getvalue())


def _said(words: Sequence[str], shown: str, said: str) -> str:
    """What a person is told; of `doctor` the first thing that failed, which is a result of it."""
    failed = [line for line in shown.splitlines() if line.startswith("fail")] if words[0] == "doctor" else []
    return said + "".join(f"wardround: {line}\n" for line in failed[:1])


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
