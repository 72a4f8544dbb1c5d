"""The programs we are measured beside, made once into the user's cache directory: `python -m tests.bench.peers`.

The OpenTelemetry Collector is built from its Go modules by its own builder. VictoriaMetrics is the one on the PATH,
else Debian's package, unpacked and not installed. Go keeps what it has compiled, so a build that was cut short goes
on where it stopped; a finished program is moved to its place in one step. OpenTelemetry for Python is installed by pip
into an environment of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

OTEL_VERSION = "0.155.0"
"""The newest for which the Kafka exporter is published too; its stable modules count on their own."""
_OTEL_STABLE = "1.61.0"
_CORE = "go.opentelemetry.io/collector"
_CONTRIB = "github.com/open-telemetry/opentelemetry-collector-contrib"
_MANIFEST = f"""dist: {{name: otelcol, output_path: build, module: vantage.bench/otelcol}}
receivers: [{{gomod: {_CORE}/receiver/otlpreceiver v{OTEL_VERSION}}}]
processors:
  - gomod: {_CORE}/processor/memorylimiterprocessor v{OTEL_VERSION}
  - gomod: {_CORE}/processor/batchprocessor v{OTEL_VERSION}
exporters: [{{gomod: {_CONTRIB}/exporter/kafkaexporter v{OTEL_VERSION}}}]
providers: [{{gomod: {_CORE}/confmap/provider/fileprovider v{_OTEL_STABLE}}}]
conf_resolver: {{default_uri_scheme: file}}
"""


OTEL_PYTHON_VERSION = "1.45.1"
_OTEL_PYTHON_BETA = "0.66b1"
_OTEL_PYTHON = (
    f"opentelemetry-sdk=={OTEL_PYTHON_VERSION}",
    f"opentelemetry-exporter-otlp-proto-http=={OTEL_PYTHON_VERSION}",
    f"opentelemetry-instrumentation-flask=={_OTEL_PYTHON_BETA}",
    f"opentelemetry-instrumentation-fastapi=={_OTEL_PYTHON_BETA}",
    "fastapi==0.165.0",
    "flask==3.1.3",
    "httpx==0.28.1",
    "requests==2.34.2",
)


class PeerMissing(Exception):
    """A peer that cannot be had here; the message says why."""


def otel_collector() -> Path:
    """The OpenTelemetry Collector: OTLP receiver, memory limiter, batch processor, Kafka exporter."""
    binary = _cache() / f"otelcol-{OTEL_VERSION}-{crc32(_MANIFEST.encode()):08x}" / "otelcol"
    if binary.exists():
        return binary
    go = _tool("go", "building the OpenTelemetry Collector")
    with _work_beside(binary) as work:
        (work / "manifest.yaml").write_text(_MANIFEST)
        _say(f"building the OpenTelemetry Collector {OTEL_VERSION} (minutes, once) …")
        builder = f"{_CORE}/cmd/builder@v{OTEL_VERSION}"
        # One compiler at a time, at low priority: whoever works on this machine goes first.
        flags = {"GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -p=1".strip()}
        _do(["nice", "-n", "15", go, "run", builder, "--config", "manifest.yaml"], work, flags)
        (work / "build" / "otelcol").rename(binary)
    return binary


def victoria_metrics() -> Path:
    """VictoriaMetrics single-node."""
    for name in ("victoria-metrics", "victoria-metrics-prod"):
        if found := shutil.which(name):
            return Path(found)
    binary = _cache() / "victoria-metrics" / "victoria-metrics"
    if binary.exists():
        return binary
    apt = _tool("apt-get", "VictoriaMetrics, which is not on the PATH")
    with _work_beside(binary) as work:
        _say("fetching Debian's package of VictoriaMetrics …")
        _do([apt, "download", "victoria-metrics"], work)
        (package,) = work.glob("*.deb")
        _do(["dpkg-deb", "--extract", package.name, "unpacked"], work)
        (package.parent / "version").write_text(package.name.split("_")[1])
        (work / "version").rename(binary.with_suffix(".version"))
        (work / "unpacked" / "usr" / "bin" / "victoria-metrics").rename(binary)
    return binary


def opentelemetry_agent() -> Path:
    """An interpreter with OpenTelemetry for Python, Flask and FastAPI in an environment of its own."""
    name = f"otel-python-{OTEL_PYTHON_VERSION}-{crc32(repr((_OTEL_PYTHON, sys.version)).encode()):08x}"
    python = _cache() / name / "bin" / "python"
    done = _cache() / name / "complete"
    if not done.exists():
        _say(f"installing OpenTelemetry for Python {OTEL_PYTHON_VERSION} …")
        _cache().mkdir(parents=True, exist_ok=True)
        _do([sys.executable, "-m", "venv", "--clear", name], _cache())
        _do([str(python), "-m", "pip", "install", "--quiet", *_OTEL_PYTHON], _cache())
        done.touch()
    return python


def victoria_version(binary: Path) -> str:
    """What is known of its version: Debian's when the package was unpacked here, else what it says of itself."""
    noted = binary.with_suffix(".version")
    if noted.exists():
        return f"{noted.read_text()} (Debian)"
    return subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip() or "unknown"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "vantage"


def _tool(name: str, purpose: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise PeerMissing(f"{purpose} needs {name}, which is not here")
    return found


@contextmanager
def _work_beside(binary: Path) -> Iterator[Path]:
    """A directory on the same file system, gone afterwards."""
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=binary.parent) as directory:
        yield Path(directory)


def _do(command: Sequence[str], work: Path, environment: Mapping[str, str] | None = None) -> None:
    """Runs the command, passing its lines on as they come. Raises PeerMissing with the last of them when it fails."""
    process = subprocess.Popen(
        command,
        cwd=work,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        _say(f"  {lines[-1]}")
    if process.wait() != 0:
        raise PeerMissing(f"`{' '.join(command)}` failed: {' / '.join(lines[-3:])}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    missing = 0
    for make in (otel_collector, victoria_metrics, opentelemetry_agent):
        try:
            make()
        except PeerMissing as reason:
            _say(str(reason))
            missing += 1
    return missing


if __name__ == "__main__":
    sys.exit(main())
