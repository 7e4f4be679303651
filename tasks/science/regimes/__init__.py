"""When a series changed, how surely, since when that could be known, and what it could have shown."""
