"""Pages that are written from the tables in the code."""
