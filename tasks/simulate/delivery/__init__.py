"""How providers hand images out: files, STAC items, and what goes wrong with them."""
