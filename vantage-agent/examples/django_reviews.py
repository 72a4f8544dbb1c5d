"""Reviews of the shop's products (Django), which may ask the inventory whether a product exists; see README.md."""

from __future__ import annotations

import argparse
import json
import logging
from typing import Dict, List

from vantage_agent import init_agent, record_metric, span

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--port", type=int, default=7004)
arguments.add_argument("--inventory", help="like http://127.0.0.1:7002; without one every product exists")
arguments.add_argument("--collector", default="http://localhost:8000")
options = arguments.parse_args()

init_agent(service_name="reviews", collector_url=options.collector, tags={"namespace": "shop"})

import requests
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import run
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None)

log = logging.getLogger("reviews")
session = requests.Session()
REVIEWS: Dict[int, List[int]] = {}


def exists(product: int) -> bool:
    if not options.inventory:
        return True
    answer = session.get(f"{options.inventory}/stock/{product}", timeout=5)
    if answer.status_code >= 500:
        log.error("the inventory answered %s for product %s", answer.status_code, product)
    return answer.status_code != 404


@span("average")
def average(stars: List[int]) -> float:
    return round(sum(stars) / len(stars), 2) if stars else 0.0


def reviews(request: HttpRequest, product: int) -> JsonResponse:
    """GET what others think; POST {"stars": 1 to 5}."""
    if not exists(product):
        raise Http404
    stars = REVIEWS.setdefault(product, [])
    if request.method == "POST":
        stars.append(min(5, max(1, int(json.loads(request.body)["stars"]))))
        record_metric("reviews.stars", stars[-1], "histogram")
    return JsonResponse(
        {"reviews": len(stars), "average": average(stars)}, status=201 if request.method == "POST" else 200
    )


urlpatterns = [path("products/<int:product>/reviews/", reviews)]

if __name__ == "__main__":
    run("127.0.0.1", options.port, WSGIHandler(), threading=True)
