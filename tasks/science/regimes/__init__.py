"""When a series changed, what changed with it, and what it could have shown."""
