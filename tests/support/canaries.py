"""Inputs of every kind with a made-up patient's name and number in every field that one can write, and specs of them.

A place of such a text in anything but rows, plans and the user's own dataset is a leak.
"""

from __future__ import annotations

import csv
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pysam
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from tests.chaos.archive import make_model
from tests.support.genotype_runs import weights_of, write_score
from tests.support.plink_files import cohort, write_pgen
from tests.support.variants import random_bases, save_cnn, write_fasta

NAME = "JANE^ROE"
NUMBER = "MRN4711X"
CANARIES = (NAME, NUMBER, "JANE ROE", "ROEJANE")

Made = str
"""What a spec says of its job, input and models."""


def profiled(plain: bytes) -> bytes:
    """A PNG with a damaged colour profile of that name, which libpng tells the world."""
    body = NAME.encode() + b"\0\0" + zlib.compress(struct.pack(">I", 400) + np.random.default_rng(0).bytes(396))
    chunk = struct.pack(">I", len(body)) + b"iCCP" + body + struct.pack(">I", zlib.crc32(b"iCCP" + body))
    return plain[:33] + chunk + plain[33:]


def images(folder: Path) -> Made:
    """Pictures and DICOM, whole and broken, under such names."""
    source = folder / "archive"
    source.mkdir()
    plain = cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes()
    (source / f"{NAME} {NUMBER}.png").write_bytes(profiled(plain))
    (source / f"{NAME} cut.png").write_bytes(plain[:-30])
    (source / f"{NAME} tiff.tif").write_bytes(b"II*\0\x08\0\0\0\x01\0" + NAME.encode())
    for number in range(2):
        dicom = Dataset()
        dicom.file_meta = FileMetaDataset()
        dicom.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dicom.PatientName, dicom.PatientID, dicom.StudyDescription = NAME, NUMBER, NAME
        dicom.Rows = dicom.Columns = 4
        dicom.BitsAllocated, dicom.BitsStored, dicom.HighBit = (8, 8, 7)
        dicom.PixelRepresentation, dicom.SamplesPerPixel, dicom.PhotometricInterpretation = 0, 1, "MONOCHROME2"
        dicom.PixelData = bytes(16 if number else 3)
        dicom.save_as(source / f"{NAME}{number}.dcm", enforce_file_format=False)
    model = make_model(folder / "model")
    return (
        f"job: predict\ninput: {{collection: images, uri: {source}, subject_id: PatientID, carry: [PatientName]}}\n"
        f"models: {{m: {{uri: {model}}}}}\n"
    )


def series(folder: Path) -> Made:
    """Series whose headers have it also where only numbers, dates and UIDs may stand, and files of three axes."""
    import nibabel

    from tests.support.dicom_files import raw, stored
    from tests.support.series import made
    from tests.support.volume_runs import make_model

    source = folder / "archive"
    source.mkdir()
    for number, slice_ in enumerate(made(5, series="1.2.3")):
        slice_.PatientName, slice_.PatientID, slice_.SeriesDescription = NAME, NUMBER, NAME
        slice_.KVP, slice_.StudyDate, slice_.AcquisitionTime, slice_.EchoTime = "1234.567", "20200101", "101010.0", "5"
        slice_.AccessionNumber, slice_.StudyID, slice_.SpecificCharacterSet = NUMBER, NUMBER, "ISO_IR 100"
        values = {"KVP": NAME, "StudyDate": NAME, "AcquisitionTime": NAME, "SpecificCharacterSet": f"{NAME}  "}
        body = raw(slice_, **{name: value.encode() for name, value in values.items()})
        (source / f"{NAME}{number}.dcm").write_bytes(body)
    for number, slice_ in enumerate(made(3, series="1.2.4")):
        slice_.PatientName, slice_.PatientID = NAME, f"{NUMBER}{number}"
        slice_.InstanceNumber = "12345678"
        (source / f"{NUMBER}{number}.dcm").write_bytes(stored(slice_).replace(b"12345678", NAME.encode()))
    image = nibabel.Nifti1Image(np.zeros((5, 6, 7), np.int16), np.eye(4))
    image.header["descrip"], image.header["aux_file"] = NAME, NUMBER
    nibabel.save(image, source / f"{NAME}.nii.gz")
    (source / f"{NAME}.nii").write_bytes(image.to_bytes()[:400])
    (source / f"{NAME}.mha").write_text(f"ObjectType = Image\nNDims = {NAME}\nElementDataFile = LOCAL\n")
    (source / f"{NAME}.nrrd").write_text(f"NRRD0004\n# {NAME}\ntype: {NAME}\ndimension: {NAME}\n{NAME}:={NAME}\n\n")
    make_model(folder / "model")
    masks = "{masks: [nifti, dicom_seg, rtstruct, preview]}"
    carried = "subject_id: PatientID, carry: [PatientName, KVP]"
    return (
        f"job: predict\ninput: {{collection: images, record: series, uri: {source}, {carried}, "
        f"segmentation: {masks}}}\nmodels: {{m: {{uri: {folder / 'model'}}}}}\n"
    )


def notes(folder: Path) -> Made:
    """Notes whose ids, subjects, types, texts and file have it; one line is broken."""
    from tests.support.counting_notes import write_model

    (folder / "notes").mkdir()
    rows = [
        {"note_id": f"{NAME}{at}", "subject_id": NUMBER, "note_time": NAME, "note_type": NAME, "text": f"{NAME} said"}
        for at in range(3)
    ]
    lines = [*map(json.dumps, rows), f'{{"note_id": "{NAME}9", "text": "{NAME}']
    (folder / "notes" / f"{NAME}.ndjson").write_text("\n".join(lines) + "\n")
    model = write_model(folder / "model")
    return f"job: predict\ninput: {{collection: notes, uri: {folder / 'notes'}}}\nmodels: {{m: {{uri: {model}}}}}\n"


def events(folder: Path) -> Made:
    """A dataset whose codes, texts and files have it."""
    from tests.support import history_format

    (folder / "meds" / "data").mkdir(parents=True)
    (folder / "meds" / "metadata").mkdir()
    times = [datetime(2024, 1, day) for day in (1, 2, 3)]
    table = pl.DataFrame(
        {
            "subject_id": [7, 7, 7],
            "time": times,
            "code": [NAME, NUMBER, "C"],
            "numeric_value": [1.0, float("nan"), None],
        },
        schema_overrides={"numeric_value": pl.Float32, "time": pl.Datetime("us")},
    )
    table.with_columns(text_value=pl.lit(NAME)).write_parquet(folder / "meds" / "data" / f"{NAME}.parquet")
    model = history_format.write_model(folder / "model")
    source = f"{{collection: events, uri: {folder / 'meds'}, task: {{at: 2030-01-01}}}}"
    return f"job: predict\ninput: {source}\nmodels: {{m: {{uri: {model}}}}}\n"


def genotypes(folder: Path) -> Made:
    """A cohort whose samples and variants are called so."""
    data = cohort(60, 40)
    path = write_pgen(folder, data)
    write_score(folder / "scores/S1.txt", weights_of(data))
    for ending, old in ((".psam", "\ts"), (".pvar", "\tv")):
        side = path.with_suffix(ending)
        side.write_text(side.read_text().replace(old, f"\t{NAME}{NUMBER}"))
    source = f"{{collection: genotypes, build: GRCh38, format: pgen, uri: {path}}}"
    return f"job: predict\ninput: {source}\nmodels: {{pgs: {{uri: {folder / 'scores'}}}}}\n"


def sequences(folder: Path) -> Made:
    """Variants with such ids, some of which do not fit their reference."""
    contigs = {"chr1": random_bases(600, 1)}
    write_fasta(folder / "ref.fa", contigs)
    bases = [(at, contigs["chr1"][at - 1].upper()) for at in (100, 200, 300)]
    lines = [f"1\t{at}\t{NAME}{NUMBER}\t{ref}\t{'A' if ref != 'A' else 'C'}\t.\t.\t." for at, ref in bases]
    lines += [f"1\t400\t{NAME}\tNN\t<DEL>\t.\t.\t.", f"{NAME}\t5\t{NAME}\tA\tC\t.\t.\t{NAME}"]
    head = f"##fileformat=VCFv4.2\n##patient={NAME}\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    # The spec names this file itself, so that its name is no secret of the input's.
    (folder / "in.vcf").write_text(head + "\n".join(lines) + "\n")
    save_cnn(folder / "cnn")
    source = f"{{collection: sequences, uri: {folder / 'in.vcf'}, reference: {folder / 'ref.fa'}}}"
    return f"job: predict\ninput: {source}\nmodels: {{cnn: {{uri: {folder / 'cnn'}}}}}\n"


def molecules(folder: Path) -> Made:
    """Molecules with such ids, some of them no SMILES at all."""
    frame = pl.DataFrame({"id": [f"{NAME}{at}" for at in range(3)], "smiles": ["CCO", f"C(C {NAME}", "ROEJANE"]})
    frame.write_parquet(folder / "in.parquet")
    (folder / "props").mkdir()
    config = {"format": "properties", "format_version": 1, "properties": ["tpsa"]}
    (folder / "props" / "config.json").write_text(json.dumps(config))
    source = f"{{collection: molecules, uri: {folder / 'in.parquet'}, record_id: id}}"
    return f"job: predict\ninput: {source}\nmodels: {{p: {{uri: {folder / 'props'}}}}}\n"


def fhir(folder: Path) -> Made:
    """An export whose resources have it everywhere, and lines that are none."""
    (folder / "in").mkdir()
    person = {"resourceType": "Patient", "id": NUMBER, "name": [{"text": NAME}], "birthDate": "1970-01-01"}
    coding = {"coding": [{"system": f"urn:{NAME}", "code": NAME, "display": NAME}], "text": NAME}
    value = {
        "resourceType": "Observation",
        "id": NAME,
        "status": "final",
        "code": coding,
        "subject": {"reference": f"Patient/{NUMBER}", "display": NAME},
        "effectiveDateTime": "2020-01-01",
        "valueQuantity": {"value": 1, "unit": NAME, "comparator": NAME},
        "note": [{"text": NAME}],
        NAME: NAME,
    }
    other = {**value, "resourceType": NAME}
    lines = [*map(json.dumps, (person, value, other)), f'{{"resourceType": "{NAME}', NAME]
    (folder / "in" / f"{NAME}.ndjson").write_text("\n".join(lines) + "\n")
    return f"job: convert\ninput: {{format: fhir, uri: {folder / 'in'}}}\n"


def omop(folder: Path) -> Made:
    """Tables with such values, and lines that are none."""
    (folder / "in").mkdir()
    tables = {
        "person": {
            "person_id": "1",
            "gender_source_value": NAME,
            "birth_datetime": "1970-01-01",
            "race_source_value": NAME,
        },
        "measurement": {
            "measurement_id": "1",
            "person_id": "1",
            "measurement_concept_id": "7",
            "measurement_date": "2020-01-01",
            "measurement_datetime": "2020-01-01T10:00:00",
            "value_as_number": NAME,
            "unit_source_value": NAME,
            "measurement_source_value": NAME,
        },
        "concept": {"concept_id": "7", "concept_name": NAME, "vocabulary_id": "LOINC", "concept_code": NAME},
    }
    for name, row in tables.items():
        with (folder / "in" / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerow(row)
            if name != "concept":
                file.write(f"{NAME},{NAME}\n")
    return f"job: convert\ninput: {{format: omop, uri: {folder / 'in'}}}\n"


def vcf(folder: Path) -> Made:
    """A cohort of one such sample, cut in its last record, which htslib says aloud."""
    (folder / "in").mkdir()
    header = pysam.VariantHeader()
    header.add_sample(f"{NAME}{NUMBER}")
    for line in (
        f"##patient={NAME}",
        "##contig=<ID=1,length=9999>",
        f'##FORMAT=<ID=GT,Number=1,Type=String,Description="{NAME}">',
    ):
        header.add_line(line)
    path = folder / "in" / f"{NAME}.bcf"
    with pysam.VariantFile(str(path), "wb", header=header) as file:
        for position in range(10, 20):
            record = file.new_record(contig="1", start=position, alleles=("A", "G"), id=NAME)
            record.samples[f"{NAME}{NUMBER}"]["GT"] = (0, 1)
            file.write(record)
    import gzip

    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-3]))
    return f"job: convert\ninput: {{format: vcf, uri: {folder / 'in'}, build: GRCh38}}\n"


def plink(folder: Path) -> Made:
    """A cohort whose samples and variants are called so, to be a table."""
    (folder / "in").mkdir()
    path = write_pgen(folder / "in", cohort(20, 30), NAME)
    for ending, old in ((".psam", "\ts"), (".pvar", "\tv")):
        side = path.with_suffix(ending)
        side.write_text(side.read_text().replace(old, f"\t{NAME}{NUMBER}"))
    return f"job: convert\ninput: {{format: pgen, uri: '{folder / 'in'}/*.pgen', build: GRCh38}}\n"


KINDS: dict[str, Callable[[Path], Made]] = {
    one.__name__: one
    for one in (images, series, notes, events, genotypes, sequences, molecules, fhir, omop, vcf, plink)
}


def leaks(folder: Path) -> Iterator[str]:
    """Files under a folder that hold a canary, but for Parquet (rows, plans, datasets) and for DICOM, whose masks name
    the patient of their slices."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix in (".parquet", ".dcm"):
            continue
        if found := said(path.read_text(errors="replace")):
            yield f"{path.relative_to(folder)}: {found}"


def said(text: str) -> list[str]:
    """The lines that hold a canary."""
    return [line[:300] for line in text.splitlines() if any(canary in line for canary in CANARIES)]
