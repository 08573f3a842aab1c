"""Smart charging in the home: sources of prices and sun, the controller of a car, hand-over of plans to the car."""
