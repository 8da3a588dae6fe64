"""Files that are a volume each: what their headers say, and their voxels."""
