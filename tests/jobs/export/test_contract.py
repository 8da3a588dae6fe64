"""What a format of export has to be."""

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from cluster.storage import StorageSettings, open_store
from jobs.export.contract import Export, ExportPlan, Written
from jobs.export.exporting import export_run
from jobs.export.target import Target
from jobs.finishing import finish
from schemas.errors import SpecError
from schemas.loading import validate
from tests.support.open_stages import commit_rows, opened
from workers.finished_runs.run import FinishedRun


class Names(Export):
    """The ids of all records, a line each."""

    format: ClassVar[str] = "names"
    title: ClassVar[str] = "names of records"
    prefix: str = Field(default="", description="what stands before each name")

    def plan(self, source: FinishedRun) -> ExportPlan:
        def write(target: Target) -> Written:
            names = source.stage.all_rows(["record_id"])["record_id"].to_pylist()
            path = Path(target.store.uri).parent / "scratch"
            path.write_text("".join(f"{self.prefix}{name}\n" for name in names))
            target.write_file("names.txt", path)
            return Written({"names": len(names)}, [("names", str(len(names)))])

        return ExportPlan({"prefix": self.prefix}, ["names.txt"], write)


def test_a_format_says_what_it_will_write_and_then_writes_it(tmp_path: Path) -> None:
    stage = opened(tmp_path / "run", ["a", "b"])
    commit_rows(stage, 0, ["ok", "ok"])
    finish([stage], {}, None)
    made = export_run(Names(prefix="> "), open_store(str(tmp_path / "run")), str(tmp_path / "to"), StorageSettings())
    assert (tmp_path / "to" / "names.txt").read_text() == "> a\n> b\n"
    assert (made.files, made.bytes, made.written.figures, made.written.notes) == (1, 8, {"names": 2}, ())


def test_a_format_without_a_plan_is_none() -> None:
    class Unfinished(Export):
        format: ClassVar[str] = "unfinished"
        title: ClassVar[str] = "nothing"

    with pytest.raises(TypeError, match="abstract"):
        Unfinished()


def test_its_options_are_its_fields_and_others_are_refused_by_name() -> None:
    with pytest.raises(SpecError, match="unknown key 'prefx', did you mean 'prefix'"):
        validate(Names, {"prefx": "x"}, "export names")
