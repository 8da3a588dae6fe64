"""Collection `sequences`: a record is a variant, or a sequence."""
