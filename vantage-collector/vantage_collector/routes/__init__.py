"""The HTTP surface of the collector: what it takes in, and what it says about itself."""
