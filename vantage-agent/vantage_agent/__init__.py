"""Vantage agent: request metrics, traces and logs of a Python service, without dependencies.

from vantage_agent import init_agent
init_agent(service_name="checkout", collector_url="http://localhost:8000")
"""

from vantage_agent.api import flush, init_agent, record_metric, shutdown
from vantage_agent.manual import span
from vantage_agent.propagation import continue_trace, inject
from vantage_agent.version import __version__

__all__ = ["__version__", "continue_trace", "flush", "init_agent", "inject", "record_metric", "shutdown", "span"]
