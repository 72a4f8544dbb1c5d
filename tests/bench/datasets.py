"""Data sets that every store is measured on: the same seed gives the same samples, whoever takes them.

A data set hands out runs: samples of one series, oldest first. `take(n)` goes on where the last one ended, so that
a store can be filled in blocks of the size it likes.
"""

import math
import random
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from typing import Any, Protocol

from vantage_common.model import REQUEST_METRIC, MetricType, Temporality

STEP_MS = 15_000
Values = Iterator[float]
Shape = Callable[[random.Random], Values]
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """What the samples of a run share; the fields are those of `vantage_common.model.Sample`."""

    service_name: str
    instance: str
    metric_name: str
    metric_type: MetricType
    temporality: Temporality = "delta"
    environment: str = ""
    endpoint: str = ""
    method: str = ""
    status_code: int = 0
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    series: Series
    timestamps: Sequence[int]
    """Milliseconds since the epoch."""
    values: Sequence[float]


class DataSet(Protocol):
    name: str

    @property
    def description(self) -> str: ...

    def take(self, samples: int) -> Iterator[Run]:
        """The next `samples` samples, up to a rounding to whole scrapes, by series."""
        ...


def columns(runs: Iterator[Run]) -> dict[str, list[Any]]:
    """The runs as columns of samples, named as `Sample`'s fields; what a run does not say is left out."""
    told: dict[str, list[Any]] = {name: [] for name in ("timestamp", "value", *Series.__dataclass_fields__)}
    for run in runs:
        told["timestamp"] += run.timestamps
        told["value"] += run.values
        for name in Series.__dataclass_fields__:
            told[name] += [getattr(run.series, name)] * len(run.values)
    return told


# --- scraped hosts -------------------------------------------------------------------------------------------------


class NodeExporters:
    """Hosts of 16 processors scraped every 15 s: counters that grow, gauges that wander, and the many series
    of a real node_exporter that never change (here 48 %)."""

    name = "node_exporter"

    def __init__(self, start_ms: int, *, instances: int = 20, seed: int = 1) -> None:
        self._next_ms = start_ms
        self._series: list[tuple[int, Series, Values]] = []
        for host in range(instances):
            late_ms = random.Random(f"{seed}/{host}").randrange(STEP_MS)  # scrapes are spread over the interval
            for name, kind, labels, shape in _host():
                rng = random.Random(f"{seed}/{host}/{name}/{sorted(labels.items())}")
                self._series.append((late_ms, _scraped(host, name, kind, labels), shape(rng)))

    @property
    def description(self) -> str:
        return f"node_exporter-shaped, {len(self._series):,} series every {STEP_MS // 1000} s"

    def take(self, samples: int) -> Iterator[Run]:
        steps = max(1, round(samples / len(self._series)))
        start_ms, self._next_ms = self._next_ms, self._next_ms + steps * STEP_MS
        for late_ms, series, values in self._series:
            first = start_ms + late_ms
            yield Run(series, range(first, first + steps * STEP_MS, STEP_MS), list(islice(values, steps)))


def _scraped(host: int, name: str, kind: MetricType, labels: Labels) -> Series:
    temporality: Temporality = "cumulative" if kind == "counter" else "delta"
    return Series("node", f"10.0.0.{host + 1}:9100", name, kind, temporality, tags=dict(labels))


def _host() -> Iterator[tuple[str, MetricType, Labels, Shape]]:
    """Name, type, labels and shape of every series of one host."""
    for name, kind, label_sets, shape in _FAMILIES:
        for labels in label_sets:
            yield name, kind, labels, shape


def _constant(value: float) -> Shape:
    def shape(_: random.Random) -> Values:
        while True:
            yield value

    return shape


def _grows(per_s: float, unit: float = 1.0, busy: float = 1.0) -> Shape:
    """A counter of multiples of `unit` that grows in a share `busy` of the scrapes; hosts differ by a factor of 4."""

    def shape(rng: random.Random) -> Values:
        mean = per_s * rng.uniform(0.5, 2) * STEP_MS / 1000 / unit
        total = int(mean * rng.uniform(1e4, 1e6))
        while True:
            if rng.random() < busy:
                total += max(0, round(rng.gauss(mean, mean * 0.3)))
            yield total * unit if unit >= 1 else round(total * unit, 2)

    return shape


def _wanders(level: float, unit: float = 1.0, step: float = 0.01) -> Shape:
    """A gauge of multiples of `unit` about a level that it strays from and is drawn back to."""

    def shape(rng: random.Random) -> Values:
        middle = value = level * rng.uniform(0.5, 1.5)
        while True:
            value += rng.gauss((middle - value) * 0.02, middle * step)
            units = max(0, round(value / unit))
            yield units * unit if unit >= 1 else round(units * unit, 9)

    return shape


def _names(prefix: str, names: str, suffix: str = "") -> list[str]:
    return [f"{prefix}{name}{suffix}" for name in names.split()]


_PLAIN: Sequence[Labels] = ({},)
_CPUS = [{"cpu": str(cpu)} for cpu in range(16)]
_DISKS = [{"device": device} for device in ("nvme0n1", "nvme1n1", "dm-0", "dm-1")]
_NETWORKS = [{"device": device} for device in ("lo", "eth0", "eth1", "docker0", "veth1a2b3c")]
_MOUNTS = [
    {"device": f"/dev/mapper/vg-{name.strip('/') or 'root'}", "fstype": "ext4", "mountpoint": name}
    for name in ("/", "/boot", "/home", "/var", "/var/lib/docker", "/tmp", "/srv", "/opt")
]
_COLLECTORS = [
    {"collector": name}
    for name in _names(
        "",
        "arp bcache bonding btrfs conntrack cpu cpufreq diskstats dmi edac entropy fibrechannel filefd filesystem "
        "hwmon infiniband ipvs loadavg mdadm meminfo netclass netdev netstat nfs nfsd nvme os powersupplyclass "
        "pressure rapl schedstat selinux sockstat softnet stat tapestats textfile thermal_zone time timex udp_queues "
        "uname vmstat xfs zfs",
    )
]


def _family(
    names: Sequence[str], kind: MetricType, labels: Sequence[Labels], shape: Shape
) -> list[tuple[str, MetricType, Sequence[Labels], Shape]]:
    return [(name, kind, labels, shape) for name in names]


def _cpu(mode: str, per_s: float, busy: float = 1.0) -> list[tuple[str, MetricType, Sequence[Labels], Shape]]:
    modes = [{**cpu, "mode": mode} for cpu in _CPUS]
    return _family(["node_cpu_seconds_total"], "counter", modes, _grows(per_s, 0.01, busy))


_PAGE = 4096.0
_FAMILIES: list[tuple[str, MetricType, Sequence[Labels], Shape]] = [
    *_cpu("idle", 0.7),
    *_cpu("user", 0.2),
    *_cpu("system", 0.06),
    *_cpu("iowait", 0.004, 0.5),
    *_cpu("softirq", 0.003, 0.7),
    *_cpu("steal", 0.001, 0.1),
    *_family(["node_cpu_seconds_total"], "counter", [{**cpu, "mode": "irq"} for cpu in _CPUS], _constant(0)),
    *_family(["node_cpu_seconds_total"], "counter", [{**cpu, "mode": "nice"} for cpu in _CPUS], _constant(3.21)),
    *_family(
        ["node_cpu_guest_seconds_total"],
        "counter",
        [{**cpu, "mode": mode} for cpu in _CPUS for mode in ("user", "nice")],
        _constant(0),
    ),
    *_family(["node_cpu_scaling_frequency_hertz"], "gauge", _CPUS, _wanders(2.6e9, 1000.0, 0.05)),
    *_family(_names("node_cpu_scaling_frequency_", "max_hertz min_hertz"), "gauge", _CPUS, _constant(3.4e9)),
    *_family(["node_softnet_processed_total"], "counter", _CPUS, _grows(900)),
    *_family(_names("node_softnet_", "dropped_total times_squeezed_total"), "counter", _CPUS, _constant(0)),
    *_family(_names("node_schedstat_", "running_seconds_total waiting_seconds_total"), "counter", _CPUS, _grows(0.3)),
    *_family(["node_schedstat_timeslices_total"], "counter", _CPUS, _grows(1200)),
    *_family(
        _names(
            "node_memory_",
            "MemFree MemAvailable Buffers Cached Active Inactive Active_anon Inactive_anon Active_file Inactive_file "
            "Dirty AnonPages Mapped Shmem Slab SReclaimable SUnreclaim KernelStack PageTables Committed_AS",
            "_bytes",
        ),
        "gauge",
        _PLAIN,
        _wanders(4e9, _PAGE, 0.003),
    ),
    *_family(
        _names(
            "node_memory_",
            "MemTotal SwapTotal SwapFree SwapCached Unevictable Mlocked Writeback NFS_Unstable Bounce WritebackTmp "
            "CommitLimit VmallocTotal VmallocChunk HardwareCorrupted HugePages_Total HugePages_Free HugePages_Rsvd "
            "Hugepagesize DirectMap4k DirectMap2M DirectMap1G",
            "_bytes",
        ),
        "gauge",
        _PLAIN,
        _constant(67_430_166_528.0),
    ),
    *_family(
        _names("node_disk_", "reads_completed_total writes_completed_total reads_merged_total writes_merged_total"),
        "counter",
        _DISKS,
        _grows(30, busy=0.8),
    ),
    *_family(_names("node_disk_", "read_bytes_total written_bytes_total"), "counter", _DISKS, _grows(2e6, _PAGE)),
    *_family(
        _names("node_disk_", "read_time_seconds_total write_time_seconds_total io_time_seconds_total"),
        "counter",
        _DISKS,
        _grows(0.05, 0.01),
    ),
    *_family(
        _names(
            "node_disk_",
            "discards_completed_total discards_merged_total discarded_sectors_total flush_requests_total "
            "ata_write_cache info io_now filesystem_info",
        ),
        "gauge",
        _DISKS,
        _constant(0),
    ),
    *_family(_names("node_network_", "receive_bytes_total transmit_bytes_total"), "counter", _NETWORKS, _grows(4e5)),
    *_family(
        _names("node_network_", "receive_packets_total transmit_packets_total"), "counter", _NETWORKS, _grows(500)
    ),
    *_family(
        _names(
            "node_network_",
            "receive_errs_total receive_drop_total receive_fifo_total receive_frame_total receive_compressed_total "
            "receive_multicast_total transmit_errs_total transmit_drop_total transmit_fifo_total transmit_colls_total "
            "transmit_carrier_total transmit_compressed_total mtu_bytes speed_bytes up carrier iface_id "
            "transmit_queue_length flags",
        ),
        "gauge",
        _NETWORKS,
        _constant(1500),
    ),
    *_family(_names("node_filesystem_", "avail_bytes free_bytes"), "gauge", _MOUNTS, _wanders(8e10, _PAGE, 0.0005)),
    *_family(["node_filesystem_files_free"], "gauge", _MOUNTS, _wanders(6e6, 1, 0.00005)),
    *_family(
        _names("node_filesystem_", "size_bytes files readonly device_error"), "gauge", _MOUNTS, _constant(1.05e11)
    ),
    *_family(
        _names(
            "node_netstat_",
            "Tcp_InSegs Tcp_OutSegs Tcp_ActiveOpens Tcp_PassiveOpens Ip_Forwarding Udp_InDatagrams Udp_OutDatagrams "
            "IpExt_InOctets IpExt_OutOctets Ip6_InOctets TcpExt_TCPOrigDataSent TcpExt_TCPDelivered",
        ),
        "counter",
        _PLAIN,
        _grows(800),
    ),
    *_family(
        _names(
            "node_netstat_",
            "Tcp_RetransSegs Tcp_InErrs Tcp_OutRsts TcpExt_ListenOverflows TcpExt_ListenDrops TcpExt_SyncookiesSent "
            "TcpExt_TCPSynRetrans TcpExt_TCPTimeouts Udp_InErrors Udp_NoPorts Icmp_InErrors Icmp6_InErrors",
        ),
        "counter",
        _PLAIN,
        _grows(0.05, busy=0.2),
    ),
    *_family(
        _names("node_vmstat_", "pgpgin pgpgout pgfault pgmajfault pswpin pswpout oom_kill"),
        "counter",
        _PLAIN,
        _grows(3000),
    ),
    *_family(
        _names(
            "node_sockstat_",
            "sockets_used TCP_inuse TCP_orphan TCP_tw TCP_alloc TCP_mem UDP_inuse UDP_mem RAW_inuse FRAG_inuse",
        ),
        "gauge",
        _PLAIN,
        _wanders(180, 1, 0.02),
    ),
    *_family(["node_load1", "node_load5", "node_load15"], "gauge", _PLAIN, _wanders(4, 0.01, 0.05)),
    *_family(_names("node_", "intr_total context_switches_total forks_total"), "counter", _PLAIN, _grows(9000)),
    *_family(_names("node_", "procs_running procs_blocked"), "gauge", _PLAIN, _wanders(3, 1, 0.5)),
    *_family(_names("node_", "filefd_allocated entropy_available_bits"), "gauge", _PLAIN, _wanders(3000, 1, 0.01)),
    *_family(
        _names("node_pressure_", "cpu_waiting_seconds_total io_waiting_seconds_total memory_waiting_seconds_total"),
        "counter",
        _PLAIN,
        _grows(0.02, 0.01),
    ),
    *_family(
        _names("node_timex_", "offset_seconds frequency_adjustment_ratio"), "gauge", _PLAIN, _wanders(0.001, 1e-9, 0.05)
    ),
    *_family(
        _names(
            "node_timex_",
            "estimated_error_seconds maxerror_seconds status sync_status tai_offset_seconds tick_seconds "
            "loop_time_constant pps_calibration_total pps_error_total pps_frequency_hertz pps_jitter_seconds",
        ),
        "gauge",
        _PLAIN,
        _constant(0.01),
    ),
    *_family(
        ["node_hwmon_temp_celsius"],
        "gauge",
        [{"chip": "platform_coretemp_0", "sensor": f"temp{number}"} for number in range(1, 18)],
        _wanders(52, 1, 0.02),
    ),
    *_family(["node_scrape_collector_duration_seconds"], "gauge", _COLLECTORS, _wanders(0.002, 1e-9, 0.3)),
    *_family(["node_scrape_collector_success"], "gauge", _COLLECTORS, _constant(1)),
    *_family(
        _names(
            "go_memstats_",
            "alloc_bytes heap_alloc_bytes heap_inuse_bytes heap_idle_bytes heap_objects next_gc_bytes "
            "heap_released_bytes stack_inuse_bytes",
        ),
        "gauge",
        _PLAIN,
        _wanders(6e6, 8, 0.2),
    ),
    *_family(_names("go_memstats_", "alloc_bytes_total mallocs_total frees_total"), "counter", _PLAIN, _grows(50_000)),
    *_family(_names("go_memstats_", "sys_bytes mspan_sys_bytes other_sys_bytes"), "gauge", _PLAIN, _constant(2.5e7)),
    *_family(_names("process_", "cpu_seconds_total"), "counter", _PLAIN, _grows(0.03, 0.01)),
    *_family(_names("process_", "open_fds start_time_seconds max_fds"), "gauge", _PLAIN, _constant(10)),
]


# --- observed requests -----------------------------------------------------------------------------------------------


class Requests:
    """Every request of 20 services of 3 instances, as the agent sees it: eight routes, 2 % errors, log-normal
    durations, times of a Poisson process. One sample a request, without trace ids, which not every store can hold."""

    name = "requests"
    PER_SECOND = 1000.0
    _STATUSES = ((200, 0.94), (404, 0.04), (500, 0.02))

    def __init__(self, start_ms: int, *, services: int = 20, seed: int = 1) -> None:
        self._rng = random.Random(seed)
        self._at_ms = float(start_ms)
        self._series: list[Series] = []
        self._log_ms: list[float] = []
        weights: list[float] = []
        for service in range(services):
            for instance in range(3):
                for route in range(8):
                    for status, share in self._STATUSES:
                        for caller, calls in (("gateway", 0.8), (f"service-{(service + 7) % services:02d}", 0.2)):
                            self._series.append(_requested(service, instance, route, status, caller))
                            self._log_ms.append(math.log(8 + 6 * route + service))
                            weights.append(share * calls / (1 + route))
        self._upto = list(accumulate(weights))

    @property
    def description(self) -> str:
        return f"request-shaped, {len(self._series):,} series, {self.PER_SECOND:,.0f} requests/s"

    def take(self, samples: int) -> Iterator[Run]:
        times: dict[int, list[int]] = {}
        values: dict[int, list[float]] = {}
        rng, total = self._rng, self._upto[-1]
        for _ in range(samples):
            self._at_ms += rng.expovariate(self.PER_SECOND) * 1000
            number = bisect(self._upto, rng.random() * total)
            times.setdefault(number, []).append(int(self._at_ms))
            # A clock that counts nanoseconds, as the agent's does.
            values.setdefault(number, []).append(round(rng.lognormvariate(self._log_ms[number], 0.6), 6))
        for number in sorted(times):
            yield Run(self._series[number], times[number], values[number])


def _requested(service: int, instance: int, route: int, status: int, caller: str) -> Series:
    name = f"service-{service:02d}"
    return Series(
        name,
        f"{name}-{instance}",
        REQUEST_METRIC,
        "histogram",
        environment="production",
        endpoint=f"/api/resource-{route}/{{id}}",
        method="POST" if route % 4 == 3 else "GET",
        status_code=status,
        tags={"caller": caller},
    )
