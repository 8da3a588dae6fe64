"""A package of the user's that adds to wardround."""
