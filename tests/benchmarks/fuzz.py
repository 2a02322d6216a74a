"""Mutated requests over all calls of both services: make bench-fuzz.

N=100000, SEED=0, CLIENTS=8 and WORKERS=2 change it. ONLY="17 4711" sends these numbers of the seed
alone, one after the other, and prints each answer: so a finding is looked at again.

Starts a classifier and a trainer in a state folder of their own, with small models and some
corrections. Every request is made anew from the seed and its number. Prints a table: answers of
500 and more, answers that took long, processes, memory, tracebacks in the logs. Its exit code is 1
where a line of the table is not met.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.servers import prepared, store_model
from tests.support.fuzz.cases import Fuzzer
from tests.support.fuzz.client import send
from tests.support.fuzz.session import SLOW_SECONDS, Findings, Session, Watch
from tests.support.processes import Home, Server, wait_for
from tests.support.services.correction_calls import keep, new_picture

MOST_MB = 1_000
EXAMPLES = 40
CORRECTIONS = 20
UNLIMITED = {"PICTURES_PER_MINUTE": "0", "CORRECTIONS_PER_MINUTE": "0", "RUNS_PER_HOUR": "0"}
"""Settings: what is refused by a limit tests nothing else."""


def print_table(findings: Findings, watch: Watch, seconds: float) -> bool:
    """Print the table, then examples; returns whether every line is met."""
    now, tracebacks = watch.pids(), sum(len(it) for it in watch.tracebacks().values())
    peak = dict.fromkeys(now, 0.0)
    for (name, _), size in watch.peak_mb.items():
        peak[name] = max(peak[name], size)
    count = sum(findings.statuses.values())
    groups = {
        "2xx": sum(n for (_, status), n in findings.statuses.items() if 200 <= status < 300),
        "4xx": sum(n for (_, status), n in findings.statuses.items() if 400 <= status < 500),
    }
    memory = ", ".join(f"{name} {size:,.0f} MB" for name, size in peak.items())
    rows = [
        ("answers of 500 and more, without a stated limit", len(findings.server_errors), 0),
        (f"answers after more than {SLOW_SECONDS} s", len(findings.slow), 0),
        ("well-formed requests without an answer", len(findings.unanswered), 0),
        ("errors without a sentence", len(findings.without_sentence), 0),
        (
            "services with other processes than before",
            sum(now[it] != watch.before[it] for it in now),
            0,
        ),
        ("tracebacks in the logs", tracebacks, 0),
    ]
    print(f"\n{count:,} requests in {seconds:,.0f} s: {groups}, stated limits", end=" ")
    print(f"{sum(findings.stated_limits.values())}; p50, p99, longest:", end=" ")
    p50, p99, longest = np.percentile(findings.seconds, (50, 99, 100))
    print(f"{p50 * 1e3:.0f} ms, {p99 * 1e3:.0f} ms, {longest:.1f} s\n")
    print("| what | found | bar |\n|---|---|---|")
    for what, found, bar in rows:
        print(f"| {what} | {found} | {bar} |")
    print(f"| most memory of a process | {memory} | < {MOST_MB:,} MB |\n")
    return all(found <= bar for _, found, bar in rows) and max(peak.values()) < MOST_MB


def print_examples(findings: Findings, watch: Watch) -> None:
    """Print what was found, each with its number."""
    for what in ("server_errors", "slow", "unanswered", "without_sentence"):
        found = getattr(findings, what)
        if found:
            print(f"{what}:", *(f"  {it}" for it in found[:EXAMPLES]), sep="\n")
    for sentence, count in findings.stated_limits.most_common(20):
        print(f"stated limit, {count} times: {sentence}")
    for name, lines in watch.tracebacks().items():
        for line in sorted(set(lines)):
            print(f"traceback in the log of {name}, {lines.count(line)} times: {line}")


def look_again(session: Session, fuzzer: Fuzzer, indices: list[int]) -> None:
    """Send single cases and print their answers."""
    for index in indices:
        case = fuzzer.case(index)
        answer = asyncio.run(send(case, session.servers[case.service].url, session.headers))
        print(f"{case}\n  -> {answer.status} after {answer.seconds:.2f} s: {answer.body[:300]!r}")
        (Path("/tmp") / f"fuzz-{index}.body").write_bytes(case.body)


def stop(servers: dict[str, Server], logs: Path) -> None:
    """End the servers and keep their logs."""
    logs.mkdir(exist_ok=True)
    for name, server in servers.items():
        server.stop()
        (logs / f"fuzz-{name}.log").write_bytes(server.log.read_bytes())


def main() -> int:
    """Send them all."""
    seed, count = int(os.environ.get("SEED", "0")), int(os.environ.get("N", "100000"))
    with prepared("mlp"):
        store_model("mlp")
        home = Home(Path(os.environ["WARDROBE_HOME"]))
        workers = os.environ.get("WORKERS", "2")
        servers = {"classifier": home.serve("classifier", CLASSIFIER_WORKERS=workers, **UNLIMITED)}
        servers["trainer"] = home.serve("trainer", **UNLIMITED)
        try:
            wait_for(lambda: sum(servers["classifier"].get("/model")["serving"].values()))
            for _ in range(CORRECTIONS):
                keep(servers["trainer"], new_picture())
            session = Session(servers)
            fuzzer = Fuzzer(session.calls(), session.known(), seed)
            if only := os.environ.get("ONLY"):
                look_again(session, fuzzer, [int(it) for it in only.split()])
                return 0
            began = time.monotonic()
            with Watch(servers) as watch:
                clients = int(os.environ.get("CLIENTS", "8"))
                asyncio.run(session.run(fuzzer, range(count), clients))
                is_met = print_table(session.findings, watch, time.monotonic() - began)
            print_examples(session.findings, watch)
        finally:
            stop(servers, Path(os.environ.get("LOGS", ".bench")))
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
