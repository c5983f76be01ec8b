"""What must hold of the results: invariants, and that they identify nobody."""
