"""What cohort studies release, read for an archive: tables and films in the forms that they come in."""
