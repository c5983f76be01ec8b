"""New radiographs, graded by a trained network."""
