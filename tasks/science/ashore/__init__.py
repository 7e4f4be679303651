"""What lies on the ground behind the quays: bare ground, and the goods that hide it."""
