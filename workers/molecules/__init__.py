"""Collection `molecules`: a record is a molecule."""
