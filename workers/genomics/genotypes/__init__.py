"""Collection `genotypes`: a record is a sample."""
