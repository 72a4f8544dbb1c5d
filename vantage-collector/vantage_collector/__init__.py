"""The collector: HTTP in, bus out. 202 means that the broker has the data."""
