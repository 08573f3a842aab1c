"""The tables behind the entity platforms."""
