"""Rows of a finished run in the formats of others: read over the wire a shard at a time, written beside the run."""

EXPORTS: tuple[str, ...] = (
    "jobs.export.masks:MasksExport",
    "jobs.export.meds:MedsExport",
    "jobs.export.note_nlp:NoteNlpExport",
    "jobs.export.sscore:SscoreExport",
    "jobs.export.vcf:VcfExport",
)
"""Every format, one line each: a module and its `jobs.export.contract.Export`."""
