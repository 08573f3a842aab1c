"""What the scripts call: a demo home, benches, pages written from tables, mutation tests."""
