"""Collection `events`: histories from MEDS datasets, cut at the prediction time, without torch."""
