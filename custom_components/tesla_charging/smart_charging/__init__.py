"""Smart charging: decides when and how fast to charge. Knows neither Tesla nor Home Assistant."""
