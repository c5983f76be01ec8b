"""Active learning: which exams are read next, and what each way of choosing them is worth."""
