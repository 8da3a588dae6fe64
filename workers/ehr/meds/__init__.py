"""What every conversion to MEDS shares: chunks of input, events by subject, sorted files, the account of records."""
