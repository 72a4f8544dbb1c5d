"""The calls of the API, a file a subject. Each router is made from the parts it may use."""
