"""Faults under load: services are killed, frozen and starved, and an oracle says what was lost and what doubled."""
