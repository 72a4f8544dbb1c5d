"""The thirty services of the default fleet, the most telling first: a smaller fleet takes the first of them."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["gateway", "service", "store"]


@dataclass(frozen=True, slots=True)
class Call:
    """`share` of the requests to a route make this call; without a `critical` one the route still answers."""

    service: str
    share: float = 1.0
    critical: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint; `weight` is its part of the service's traffic, relative to its other routes."""

    method: str
    path: str
    weight: float
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Blueprint:
    """`median_ms` and `sigma` describe the log-normal time a request spends in the service itself; `ingress` is the
    share of outside traffic that enters here, relative to the other gateways."""

    name: str
    namespace: str
    role: Role
    median_ms: float
    sigma: float
    routes: tuple[Route, ...]
    ingress: float = 0.0


def needs(service: str, share: float = 1.0) -> Call:
    return Call(service, share)


def wants(service: str, share: float = 1.0) -> Call:
    return Call(service, share, critical=False)


def get(path: str, weight: float, *calls: Call) -> Route:
    return Route("GET", path, weight, calls)


def post(path: str, weight: float, *calls: Call) -> Route:
    return Route("POST", path, weight, calls)


def gateway(name: str, ingress: float, *routes: Route) -> Blueprint:
    return Blueprint(name, "edge", "gateway", 4.0, 0.35, routes, ingress)


def service(name: str, namespace: str, median_ms: float, *routes: Route, sigma: float = 0.45) -> Blueprint:
    return Blueprint(name, namespace, "service", median_ms, sigma, routes)


def store(name: str, median_ms: float, *routes: Route, sigma: float = 0.55) -> Blueprint:
    return Blueprint(name, "data", "store", median_ms, sigma, routes)


DEFAULT_FLEET: tuple[Blueprint, ...] = (
    gateway(
        "web-gateway",
        5.0,
        get("/", 2.0, needs("sessions", 0.7), wants("recommendations", 0.6)),
        get("/products/{id}", 4.0, needs("product-catalog"), wants("reviews", 0.5), wants("recommendations", 0.2)),
        get("/search", 3.0, needs("search")),
        get("/cart", 1.2, needs("sessions"), needs("cart")),
        post("/checkout", 0.5, needs("auth"), needs("checkout")),
        get("/account", 0.6, needs("auth"), needs("accounts")),
    ),
    service(
        "product-catalog",
        "catalog",
        6.0,
        get("/v1/products/{id}", 6.0, needs("catalog-db", 0.6), needs("pricing", 0.8)),
        get("/v1/categories/{slug}", 1.5, needs("catalog-db", 0.5)),
    ),
    service(
        "checkout",
        "payments",
        14.0,
        post("/v1/checkouts", 1.0, needs("cart"), needs("inventory"), needs("payment-processor"), needs("orders")),
    ),
    service("auth", "identity", 5.0, post("/v1/tokens/verify", 5.0, needs("permissions", 0.5)), post("/v1/login", 0.6)),
    service(
        "payment-processor",
        "payments",
        60.0,
        post("/v1/charges", 3.0, needs("fraud-check"), needs("ledger")),
        post("/v1/refunds", 0.3, needs("ledger")),
        sigma=0.6,
    ),
    service(
        "orders",
        "delivery",
        9.0,
        post("/v1/orders", 1.0, needs("orders-db"), wants("notifications"), needs("shipping")),
        get("/v1/orders/{id}", 2.5, needs("orders-db")),
    ),
    service(
        "cart", "payments", 4.0, get("/v1/carts/{id}", 4.0, needs("session-cache")), post("/v1/carts/{id}/items", 1.0)
    ),
    service(
        "search",
        "catalog",
        11.0,
        get("/v1/search", 5.0, needs("search-index"), wants("pricing", 0.3)),
        get("/v1/suggest", 2.0, needs("search-index")),
    ),
    service(
        "inventory", "catalog", 7.0, get("/v1/stock/{sku}", 5.0, needs("catalog-db", 0.4)), post("/v1/reserve", 1.0)
    ),
    service("pricing", "catalog", 3.5, get("/v1/prices/{sku}", 1.0, wants("session-cache", 0.4))),
    store("catalog-db", 2.5, post("/query", 9.0), post("/execute", 0.6)),
    store("orders-db", 3.0, post("/query", 5.0), post("/execute", 3.0)),
    store("session-cache", 0.6, get("/keys/{key}", 8.0), post("/keys/{key}", 1.0), sigma=0.4),
    gateway(
        "mobile-gateway",
        3.0,
        get("/m/home", 2.0, needs("auth", 0.6), wants("recommendations", 0.4)),
        get("/m/products/{id}", 3.0, needs("product-catalog")),
        get("/m/orders/{id}", 1.0, needs("auth"), needs("orders"), wants("tracking", 0.5)),
        post("/m/checkout", 0.3, needs("auth"), needs("checkout")),
    ),
    service(
        "sessions", "identity", 2.5, get("/v1/sessions/{id}", 6.0, needs("session-cache")), post("/v1/sessions", 0.8)
    ),
    store("search-index", 8.0, post("/query", 6.0), post("/bulk", 0.3)),
    service("accounts", "identity", 7.0, get("/v1/accounts/{id}", 3.0, needs("users-db")), post("/v1/accounts", 0.1)),
    store("users-db", 2.2, post("/query", 6.0), post("/execute", 0.8)),
    service("recommendations", "catalog", 18.0, get("/v1/recommendations", 1.0, needs("catalog-db", 0.3)), sigma=0.55),
    service(
        "shipping",
        "delivery",
        12.0,
        post("/v1/shipments", 1.0, needs("orders-db")),
        get("/v1/quotes", 1.2, wants("inventory", 0.3)),
    ),
    service("notifications", "delivery", 5.0, post("/v1/notifications", 1.0, wants("email-sender", 0.7))),
    service("fraud-check", "payments", 25.0, post("/v1/assessments", 1.0, wants("session-cache", 0.5)), sigma=0.6),
    service("ledger", "payments", 6.0, post("/v1/entries", 2.0), get("/v1/balances/{id}", 1.0)),
    service("reviews", "catalog", 8.0, get("/v1/reviews", 4.0, needs("catalog-db", 0.4)), post("/v1/reviews", 0.2)),
    service("permissions", "identity", 2.0, post("/v1/check", 1.0, needs("users-db", 0.2))),
    service("tracking", "delivery", 6.0, get("/v1/tracking/{id}", 1.0, needs("orders-db", 0.7))),
    service("email-sender", "delivery", 35.0, post("/v1/send", 1.0), sigma=0.7),
    gateway(
        "partner-api",
        1.0,
        get("/partner/stock/{sku}", 2.0, needs("inventory")),
        get("/partner/prices/{sku}", 1.0, needs("pricing")),
        post("/partner/orders", 0.6, needs("orders")),
    ),
    gateway("media-proxy", 2.0, get("/media/{id}", 5.0, needs("object-storage", 0.25))),
    store("object-storage", 15.0, get("/objects/{key}", 6.0), post("/objects/{key}", 0.3), sigma=0.7),
)

EXTRA_DOMAINS: tuple[tuple[str, str], ...] = tuple(
    (namespace, domain)
    for namespace, domains in {
        "payments": "loyalty coupons gift-cards tax subscriptions wallet refunds payouts invoicing",
        "delivery": "couriers warehouse returns customs lockers fleet pickup",
        "identity": "profiles consent mfa single-sign-on devices",
        "catalog": "images brands bundles wishlists suppliers attributes",
        "growth": "experiments campaigns newsletters referrals banners landing-pages",
        "insight": "reports exports forecasts features audience attribution",
        "support": "chat tickets help-center callbacks translations surveys satisfaction",
        "partners": "marketplace onboarding contracts settlements",
    }.items()
    for domain in domains.split()
)
"""What larger fleets are made of: each (namespace, domain) grows into up to ten services, named domain-part."""

EXTRA_PARTS: tuple[tuple[str, Role, float], ...] = (
    ("api", "service", 8.0),
    ("store", "store", 2.5),
    ("rules", "service", 5.0),
    ("cache", "store", 0.7),
    ("indexer", "service", 12.0),
    ("events", "service", 4.0),
    ("sync", "service", 20.0),
    ("audit", "service", 6.0),
    ("scheduler", "service", 9.0),
    ("archive", "store", 14.0),
)
"""(part, role, median ms): the api is called by a gateway, every other part by its domain's api."""
