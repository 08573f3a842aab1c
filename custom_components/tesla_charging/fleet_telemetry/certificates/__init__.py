"""Certificates, keys and signatures: what the receiver shows to cars, and whom it believes."""
