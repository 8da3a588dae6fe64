"""Collection `images`: DICOM, PNG, JPEG, TIFF, npy and npz, decoded to arrays without torch."""
