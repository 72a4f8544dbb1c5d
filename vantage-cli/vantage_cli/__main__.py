"""`python -m vantage_cli` is the `vantage` command."""

from vantage_cli.main import run

run()
