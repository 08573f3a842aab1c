"""When to charge a car: the provably cheapest plan, and why."""
