"""Certificates, keys and signatures: the receiver's own certificate, and which certificates of cars it trusts."""
