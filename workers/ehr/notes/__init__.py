"""Collection `notes`: clinical notes from Parquet, CSV, NDJSON, OMOP and FHIR, read and encoded without torch."""
