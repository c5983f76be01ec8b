"""The paper's network: its form, its training, its predictions."""
