"""What must hold of the results: invariants, and that nobody can be known by them."""
