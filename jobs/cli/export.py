"""`wardround export FORMAT RUN --to PLACE`: the rows of a finished run as others read them."""

import argparse

from cluster.storage import StorageSettings
from jobs.cli.arguments import add_json, add_run, examples
from jobs.console import columns, say, show, show_json
from jobs.export.contract import Export
from jobs.export.exporting import export_run, exports
from jobs.reporting.amounts import size
from jobs.settings import storage_settings
from jobs.spec_source import is_spec, run_store, spec_from
from schemas.loading import validate

EXAMPLES = (
    "wardround export meds events.yaml --to s3://hand-over/",
    "wardround export sscore scores.yaml --to sscore/",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the formats, each with its options."""
    formats = parser.add_subparsers(dest="format", metavar="FORMAT", required=True, parser_class=type(parser))
    for name, export in exports().items():
        sub = formats.add_parser(name, help=export.title, description=export.title[0].upper() + export.title[1:] + ".")
        sub.formatter_class = argparse.RawDescriptionHelpFormatter
        sub.epilog = examples([f"wardround export {name} RUN --to s3://hand-over/{name}/"])
        add_run(sub)
        sub.add_argument(
            "--to", required=True, metavar="PLACE", help="a directory of its own: s3://bucket/prefix or a path"
        )
        _add_options(sub, export)
        add_json(sub)


def _add_options(parser: argparse.ArgumentParser, export: type[Export]) -> None:
    for name, field in export.model_fields.items():
        default = f" (default {field.default})" if field.default else ""
        parser.add_argument(
            f"--{name}", default=argparse.SUPPRESS, metavar=name.upper(), help=f"{field.description}{default}"
        )


def call(arguments: argparse.Namespace) -> int:
    """Write the files; 4 if the run is not complete, 3 where another export lies."""
    chosen = exports()[arguments.format]
    given = {name: value for name, value in vars(arguments).items() if name in chosen.model_fields}
    export = validate(chosen, given, f"export {chosen.format}")
    spec = spec_from(arguments.run) if is_spec(arguments.run) else None
    storage = storage_settings(spec) if spec else StorageSettings()
    made = export_run(export, run_store(spec or arguments.run), arguments.to, storage)
    for note in made.written.notes:
        say(note)
    if arguments.json:
        show_json({"uri": made.uri, "files": made.files, "bytes": made.bytes, **made.written.figures})
    else:
        files = f"{made.files:,}, {size(made.bytes)}"
        show(columns([("exported to", made.uri), ("files", files), *made.written.rows]))
    return 0
