"""What Tesla charges, and what may be spent."""
