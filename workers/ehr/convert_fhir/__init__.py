"""FHIR R4 bulk exports (NDJSON, also gzipped) to MEDS."""
