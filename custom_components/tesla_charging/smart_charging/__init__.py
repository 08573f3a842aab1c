"""Smart charging: decides when and how fast to charge, and says why. Knows neither Tesla nor Home Assistant."""
