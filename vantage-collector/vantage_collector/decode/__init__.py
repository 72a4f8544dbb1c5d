"""From the bytes of a request to checked items: one module a protocol."""
