"""`make agent-suites`: other people's tests without the agent, with it, and with it while its collector is away.

Names choose among the suites. A test that ends otherwise with the agent is run without it twice more; one that keeps
to its outcome there is a fault of the agent's, and the exit code is 1. Not so where suites.py says that the test looks
at the trace headers: it has to end as without the agent when the agent does the same without these headers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.agent_suites.collector import Collector, collecting, dead_url
from tests.agent_suites.compare import Difference, Outcomes, differences, flaky, function_of, read, summary
from tests.agent_suites.suites import SUITES, Suite
from tests.agent_suites.workplace import NoTests, Workplace, prepare

PLUGIN = Path(__file__).parent / "plugin"
LIMIT_S = 1800.0
RERUNS = 2


@dataclass
class Judged:
    """One line of the table."""

    suite: Suite
    outcomes: Outcomes
    counted: int = 0
    wavering: set[str] = field(default_factory=set)
    explained: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Runner:
    """Runs one suite, as often as it takes."""

    def __init__(self, suite: Suite, workplace: Workplace) -> None:
        self._suite = suite
        self._workplace = workplace

    def without(self) -> Outcomes:
        return self._run((), {}, self._suite.arguments)

    def with_agent(self, collector_url: str) -> Outcomes:
        return self._watched(collector_url, {}, self._suite.arguments)

    def with_agent_without_headers(self, collector_url: str, tests: list[str]) -> Outcomes:
        return self._watched(collector_url, {"VANTAGE_SUITE_HEADERS": "none"}, (*tests, *self._suite.arguments[1:]))

    def _watched(self, collector_url: str, more: dict[str, str], arguments: tuple[str, ...]) -> Outcomes:
        launcher = str(self._workplace.python.parent / "vantage-run")
        settings = {"VANTAGE_AGENT_COLLECTOR_URL": collector_url, "VANTAGE_AGENT_FLUSH_INTERVAL": "0.5", **more}
        return self._run((launcher, "--service-name", self._suite.name), settings, arguments)

    def _run(self, launcher: tuple[str, ...], settings: dict[str, str], arguments: tuple[str, ...]) -> Outcomes:
        with tempfile.TemporaryDirectory() as directory, self._suite.server() as server:
            noted, said = Path(directory, "outcomes"), Path(directory, "output")
            noted.touch()
            command = [
                *launcher, str(self._workplace.python), "-m", "pytest", *arguments, *server,
                "-vv", "-p", "vantage_outcomes", "-p", "no:cacheprovider", "--basetemp", str(Path(directory, "base")),
            ]  # fmt: skip
            env = {**os.environ, **settings, "PYTHONPATH": str(PLUGIN), "VANTAGE_SUITE_OUTCOMES": str(noted)}
            env["PATH"] = os.pathsep.join([str(self._workplace.python.parent), env.get("PATH", "")])
            with said.open("w") as output:
                subprocess.run(
                    command, cwd=self._workplace.tests, env=env, stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, timeout=LIMIT_S,
                )  # fmt: skip
            agent_runs, *lines = map(json.loads, noted.read_text().splitlines() or ["null"])
            if agent_runs is not bool(launcher):
                raise RuntimeError(f"{self._suite.name}: an agent {'runs' if agent_runs else 'does not run'}")
            outcomes = read(lines)
            if not outcomes or any(outcome.word == "not collected" for outcome in outcomes.values()):
                raise RuntimeError(f"{self._suite.name}: not all of it can be run\n{said.read_text()[-3000:]}")
            return outcomes


def judge(suite: Suite, workplace: Workplace, collector: Collector) -> Judged:
    """All runs of one suite, and what they say."""
    runner = Runner(suite, workplace)
    plain = [runner.without()]
    judged = Judged(suite, plain[0])
    collector.counts.clear()
    found = {"": differences(plain[0], runner.with_agent(collector.url))}
    judged.counted = sum(collector.counts.values())
    if suite.proof and not collector.counts[suite.proof]:
        judged.faults.append(f"the agent sent no {suite.proof}: it instrumented nothing")
    found[" (collector away)"] = differences(plain[0], runner.with_agent(dead_url()))
    if any(found.values()):
        plain += [runner.without() for _ in range(RERUNS)]
        judged.wavering = flaky(plain)
    for when, different in found.items():
        for one in different:
            if function_of(one.test) in suite.because:
                judged.explained[one.test] = suite.because[function_of(one.test)]
            elif one.test not in judged.wavering:
                judged.faults.append(f"{one}{when}")
    judged.faults += [f"{one} (and no trace headers)" for one in unproved(judged, runner, collector.url)]
    return judged


def unproved(judged: Judged, runner: Runner, collector_url: str) -> list[Difference]:
    """Those that are said to differ by the trace headers, and differ without them too."""
    if not judged.explained:
        return []
    ended = runner.with_agent_without_headers(collector_url, sorted(set(map(function_of, judged.explained))))
    return [one for one in differences(judged.outcomes, ended) if one.test in judged.explained]


def line_of(judged: Judged) -> str:
    verdict = f"{len(judged.faults)} FAULTS" if judged.faults else "the same"
    if judged.explained:
        verdict += f", {len(judged.explained)} by design"
    return f"{judged.suite.pinned:20} {summary(judged.outcomes):58} {judged.counted:>8} {verdict}"


def details_of(judged: Judged) -> list[str]:
    return [
        *(f"    {test} differs by design: {reason}" for test, reason in judged.explained.items()),
        *(f"    {test} is flaky without the agent" for test in sorted(judged.wavering)),
        *(f"    {fault}" for fault in judged.faults),
    ]


def main(argv: list[str]) -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.agent_suites", description=__doc__)
    arguments.add_argument("names", nargs="*", help="suites; all of them where none is named")
    default = Path(tempfile.gettempdir(), "vantage-agent-suites")
    arguments.add_argument("--directory", type=Path, default=default, help="for sdists and environments; kept")
    options = arguments.parse_args(argv)
    known = {suite.name: suite for suite in SUITES}
    unknown = set(options.names) - set(known)
    if unknown:
        print(f"unknown suite {', '.join(sorted(unknown))}: choose from {', '.join(known)}")
        return 2
    bad = False
    print(f"{'suite':20} {'outcomes':58} {'samples':>8} with the agent", flush=True)
    with collecting() as collector:
        for name in options.names or known:
            began = time.monotonic()
            try:
                judged = judge(known[name], prepare(known[name], options.directory), collector)
            except NoTests as why:
                print(f"{known[name].pinned:20} {why}", flush=True)
                continue
            except (RuntimeError, subprocess.TimeoutExpired) as trouble:
                print(f"{known[name].pinned:20} NOT RUN: {trouble}", flush=True)
                bad = True
                continue
            print(line_of(judged), f"({time.monotonic() - began:.0f} s)")
            print(*details_of(judged), sep="\n", end="\n" if details_of(judged) else "", flush=True)
            bad = bad or bool(judged.faults)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
