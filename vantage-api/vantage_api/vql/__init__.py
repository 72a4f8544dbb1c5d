"""VQL, the query language: text → parse → compile → QueryPlan. SQL is made elsewhere, and only from the plan."""

from vantage_api.vql.compile import MAX_LIMIT, compile_vql
from vantage_api.vql.explain import explain

__all__ = ["MAX_LIMIT", "compile_vql", "explain"]
