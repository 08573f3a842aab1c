"""What Tesla bills, and what may be spent."""
