"""Archives as folders: what they hold is listed once, and each member is then read by range as an object of its own."""
