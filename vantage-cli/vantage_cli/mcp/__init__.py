"""Vantage for language models: `vantage mcp` answers their questions by asking the query API."""
