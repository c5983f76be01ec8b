"""What leaves the study: the network with all that belongs to it."""
