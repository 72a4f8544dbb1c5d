"""The agent's version, as sent in every batch. pyproject.toml repeats it; a test compares the two."""

__version__ = "0.1.0"
