"""Which ship went where: the sea between two ports, links between stays, and trips at least and at most."""
