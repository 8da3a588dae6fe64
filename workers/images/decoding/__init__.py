"""From bytes to modality values: DICOM, every transfer syntax, and plain picture files. Imports no torch."""
