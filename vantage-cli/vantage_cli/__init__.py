"""The `vantage` command."""
