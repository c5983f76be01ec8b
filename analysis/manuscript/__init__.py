"""The manuscript: its source staged with tables, figures and values, and rendered."""
