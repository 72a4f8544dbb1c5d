"""The log between the services: one set of protocols, an embedded backend and a Kafka backend."""
