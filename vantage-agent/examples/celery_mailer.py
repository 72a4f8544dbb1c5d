"""Confirms orders (Celery): the worker to aiohttp_orders.py; see README.md."""

from __future__ import annotations

import logging
import os

from vantage_agent import init_agent, record_metric

init_agent(service_name="mailer", tags={"namespace": "shop"})

from celery import Celery

log = logging.getLogger("mailer")
app = Celery("mailer", broker=os.environ.get("BROKER_URL", "redis://localhost:6379/0"))


@app.task(name="confirm")  # type: ignore[untyped-decorator]  # Celery has no types
def confirm(order: int) -> None:
    record_metric("mails", 1, "counter")
    log.warning("the mail for order %d would go out now", order)
