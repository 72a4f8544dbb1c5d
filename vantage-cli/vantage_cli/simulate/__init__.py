"""The seeded simulator: a fleet that scales, deploys, fails and logs, sent to a collector like any client's data."""
