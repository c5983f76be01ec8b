"""Which exams make the cohort, in which set, and why the others don't."""
