"""Smart charging in the home: where prices, sun and meter are read."""
