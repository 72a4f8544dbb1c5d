"""Traces: found, shown as a tree with its critical path, and added up to who calls whom."""
