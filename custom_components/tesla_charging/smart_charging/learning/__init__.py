"""What is learnt from what the home and the car really do: the car, the house, the sun, and habits."""
