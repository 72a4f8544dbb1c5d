"""Where alerts are told: webhooks of our own, and the many services that Apprise knows."""
