"""What a test or a person sees and changes of the simulated Tesla."""
