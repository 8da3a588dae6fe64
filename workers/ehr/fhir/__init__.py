"""What FHIR has in common for those who convert it and those who read notes in it: Bundles."""
