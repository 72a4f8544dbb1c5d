"""The simulated world, a second at a time: everything its pods would send, as a function of seed and second."""

import random
from dataclasses import dataclass

from vantage_cli.simulate.fleet import Fleet
from vantage_cli.simulate.lines import pod_lines, request_lines
from vantage_cli.simulate.scenario import FleetState, Timeline
from vantage_cli.simulate.signals import gauges, request_metrics, sample_traces, spans
from vantage_cli.simulate.traffic import requests_in
from vantage_cli.simulate.wire import Emission


@dataclass(frozen=True, slots=True)
class Second:
    """One simulated second: what happened and what is to be sent of it."""

    state: FleetState
    requests: int
    failed: int
    emissions: list[Emission]


def simulate_second(fleet: Fleet, timeline: Timeline, seed: int, epoch_ms: int, second: int) -> Second:
    """The second that begins `second` seconds after the demo did, at `epoch_ms`.

    What happens depends on the seed alone; ids of traces depend on `epoch_ms` too, so that two demos in one store do
    not share traces.
    """
    rng = random.Random(f"{seed}/traffic/{second}")
    id_rng = random.Random(f"{seed}/ids/{epoch_ms}/{second}")
    second_ms = epoch_ms + second * 1000
    state = timeline.state_at(second)
    before = timeline.state_at(second - 1) if second else state
    walks = requests_in(fleet, state, rng)
    requests = [request for walk in walks for request in walk]
    ids = sample_traces(walks, rng, id_rng)
    return Second(
        state=state,
        requests=len(requests),
        failed=sum(request.failed for request in requests),
        emissions=[
            *request_metrics(requests, second_ms, ids),
            *gauges(fleet, state, second, second_ms, rng),
            *spans(ids, second_ms),
            *request_lines(requests, second_ms, ids, rng),
            *pod_lines(fleet, before, state, second_ms),
        ],
    )
