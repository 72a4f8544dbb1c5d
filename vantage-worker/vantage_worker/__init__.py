"""The worker: consume, batch, guard, insert, commit."""
