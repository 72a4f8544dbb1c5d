"""The query API: questions to the store, and what moves right now."""
