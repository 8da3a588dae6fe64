"""Collection `images`: DICOM, PNG, JPEG, TIFF, npy and npz, decoded to arrays without torch."""

from workers.images.decoding.fence import silence

# Here, before any of them is imported and any thread runs: `warnings.catch_warnings` of another thread would undo it.
silence("pydicom", "highdicom", "pylibjpeg", "openjpeg", "nibabel", "PIL", "tifffile")
