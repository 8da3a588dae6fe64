"""Tables of the OMOP common data model 5.4 (Parquet, CSV) to MEDS."""
