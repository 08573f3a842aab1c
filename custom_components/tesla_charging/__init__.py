"""Tesla Charging."""
