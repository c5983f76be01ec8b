"""From stored pixel values to the squares that a network sees: decode, crop, reduce, pad, store."""
