"""Clinical text and patient histories: collections `notes` and `events`, and what converts to MEDS."""
