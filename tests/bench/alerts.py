"""Alerts: what adaptive rules find beside fixed thresholds, and how long a turn of many rules takes.

The faults are the simulator's, see tests/alert_faults.py. The fixed thresholds are the usual round numbers, each for
the whole fleet, as an operator sets them who does not know every service. The turn is the evaluator's own, over rows in
chDB, with every rule looking at every service.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from vantage_api.alerts.rules import Rule, RuleBody
from vantage_cli.simulate.scenario import EventKind
from vantage_common.model import REQUEST_METRIC
from vantage_common.store.api import Document

from tests.alert_faults import firings, score, story
from tests.alert_world import World, alert_world, gauge_at, requests_at

SERVICES, SEEDS, LEARN_DAYS, DAYS = 30, (1, 2), 14, 21
LATENCY: Final[frozenset[EventKind]] = frozenset({"slow"})
FAILURE: Final[frozenset[EventKind]] = frozenset({"slow", "bad_deploy", "outage"})
RULES, FLEET, METRICS, MINUTES = 1000, 200, 50, 10


def run() -> Iterator[str]:
    yield (
        f"{SERVICES} services, seeds {', '.join(map(str, SEEDS))}: {LEARN_DAYS} days to learn, "
        f"{DAYS - LEARN_DAYS} judged; 5-minute windows, pending 5 minutes, the scenario looked at twice a window"
    )
    stories = [story(SERVICES, seed, DAYS, samples_a_slot=2) for seed in SEEDS]
    for kinds, rules in ((LATENCY, latency_rules()), (FAILURE, error_rules())):
        yield ""
        yield f"{'/'.join(sorted(kinds)):<38} faults  found  alerts  false  precision  recall    F1"
        for name, rule in rules.items():
            scores = [score(told, firings(told, rule, LEARN_DAYS), kinds, LEARN_DAYS) for told in stories]
            total = type(scores[0])(
                *(sum(getattr(one, part) for one in scores) for part in ("faults", "found", "alerts", "false"))
            )
            yield (
                f"{name:<38} {total.faults:6}  {total.found:5}  {total.alerts:6}  {total.false:5}  "
                f"{total.precision:9.2f}  {total.recall:6.2f}  {total.f1:4.2f}"
            )
    yield ""
    yield from asyncio.run(turns())


def latency_rules() -> dict[str, Rule]:
    fixed = {f"fixed p95 > {ms} ms": p95(op=">", threshold=ms) for ms in (50, 100, 250, 500, 1000)}
    return {
        "adaptive p95, 3 σ": adaptive("p95", warning_sigma=3),
        "adaptive p95, 2 σ": adaptive("p95"),
        "adaptive p95 as built in (2 σ, 10 ms)": adaptive("p95", min_deviation=10),
        **fixed,
    }


def error_rules() -> dict[str, Rule]:
    fixed = {f"fixed error ratio > {ratio:.0%}": errors(op=">", threshold=ratio) for ratio in (0.01, 0.05, 0.1)}
    return {
        "adaptive error ratio, 3 σ": adaptive("error_ratio", warning_sigma=3),
        "adaptive error ratio, 2 σ": adaptive("error_ratio"),
        **fixed,
    }


def adaptive(agg: str, **condition: Any) -> Rule:
    return _rule(agg, {"kind": "adaptive", **condition})


def p95(**condition: Any) -> Rule:
    return _rule("p95", {"kind": "fixed", **condition})


def errors(**condition: Any) -> Rule:
    return _rule("error_ratio", {"kind": "fixed", **condition})


def _rule(agg: str, condition: dict[str, Any]) -> Rule:
    body = {"name": agg, "agg": agg, "window_s": 300, "for_s": 300, "severity": "critical", "condition": condition}
    return Rule("r", "default", RuleBody.model_validate(body | {"min_samples": 20}), 1, 0, "", False)


async def turns() -> list[str]:
    """A first turn, and those after it, of 1000 rules that look at 200 services each."""
    with tempfile.TemporaryDirectory() as directory:
        async with alert_world(Path(directory), "chdb") as world:
            return await _turns(world)


async def _turns(world: World) -> list[str]:
    await _fill(world)
    rules = [RuleBody.model_validate(_one_of_many(number)).model_dump(mode="json") for number in range(RULES)]
    made = [Document("default", f"rule-{number}", 1, 1, "bench", body) for number, body in enumerate(rules)]
    await world.store.documents.put("alert_rules", made)
    evaluator = world.evaluator()
    started = time.perf_counter()
    await evaluator.learn()
    learned_s = time.perf_counter() - started
    took, cpu, judged, up = [], [], 0, 0
    for _ in range(5):
        started, cpu_started = time.perf_counter(), time.process_time()
        turn = await world.turn(evaluator, 1)
        took.append(time.perf_counter() - started)
        cpu.append(time.process_time() - cpu_started)
        judged, up = turn.verdicts, sum(turn.firing.values())
    return [
        f"a turn of {RULES} rules × {FLEET} services ({METRICS} metrics and requests, {MINUTES} minutes, chDB): "
        f"{judged} verdicts, {up} alerts up",
        f"first turn {took[0]:.2f} s, then {min(took[1:]):.2f} to {max(took[1:]):.2f} s "
        f"(CPU {min(cpu[1:]):.2f} s of all threads); the interval is 15 s; {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}",
        f"baselines of {FLEET} services × 4 measures brought up to date the first time: {learned_s:.1f} s",
    ]


async def _fill(world: World) -> None:
    now_ms = world.clock.now_ms()
    for minute in range(MINUTES):
        at_ms = now_ms - minute * 60_000 - 11_000
        for service in range(FLEET):
            name = f"service-{service:03}"
            await world.insert(
                *(gauge_at(at_ms, (service * 7 + metric) % 100, name, f"metric-{metric}") for metric in range(METRICS)),
                requests_at(at_ms, 100 + service, ms=10 + service % 50, service=name),
            )


def _one_of_many(number: int) -> dict[str, Any]:
    """Three fixed rules in four; one in four hundred fires for some services."""
    if number % 4 == 0:
        agg = ("p95", "avg", "p50", "p99")[number // 4 % 4]
        return {"name": f"rule {number}", "agg": agg, "metric": REQUEST_METRIC, "condition": {"kind": "adaptive"}}
    limit = 97 if number % 401 == 0 else 1000
    condition = {"kind": "fixed", "op": ">", "threshold": limit}
    return {"name": f"rule {number}", "metric": f"metric-{number % METRICS}", "agg": "avg", "condition": condition}
