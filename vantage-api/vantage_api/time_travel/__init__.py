"""The city as it was: any past moment, and ranges of moments for a scrubber, rebuilt from what is stored."""
