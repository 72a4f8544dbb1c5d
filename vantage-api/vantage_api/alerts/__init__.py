"""Alerts: rules over what services do, what is normal for them, and the states an alert goes through."""
