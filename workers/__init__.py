"""What one process does with one shard. torch and every decoder live here, and only here."""
