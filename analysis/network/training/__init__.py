"""Training: steps, the average that is kept, the curve, and what is watched meanwhile."""
