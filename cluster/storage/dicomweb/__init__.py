"""DICOMweb services (DICOM PS3.18) as stores: searched by QIDO-RS, read by WADO-RS, never written to."""
