"""What readers write: the form, the ledger, and what it comes to."""
