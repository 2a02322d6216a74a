"""The feeder of a worker's shadow process: sends it answered pictures and never waits for it.

The shadow process runs only while nothing else wants its processor. Four times a second the feeder
sends it the answered pictures, or a sample of them, if the socket takes them at once. The socket is
full as soon as the process is behind. Pictures that cannot be sent are dropped and counted.
"""

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import settings
import training
from service.inference import workers
from service.metrics import definitions
from service.metrics.buffer import MetricsBuffer
from service.shadow import assignment
from service.shadow.assignment import BROKEN, DELETED, ENDS, PROMOTED, Assignment
from service.shadow.protocol import pack
from training.model.preprocess import Grey
from training.store import files, versions

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.25

_SEND_SECONDS = 0.25
_MAX_PICTURES = 256
"""A random sample of this size is sent at most. Each time the process wakes up it slows down the
workers, and a thousand pictures a second are enough to estimate how often two versions agree."""

_PACKET_PICTURES = 64
"""A socket takes four packets."""

_RESTART_SECONDS = 2
_MAX_FAILED_STARTS = 3
"""A process that exits this often before it was ready is not started again."""


class ShadowFeeder:
    """Follows the shadow assignment, keeps its process running, and feeds it."""

    def __init__(self, registration: workers.Registration) -> None:
        self._registration = registration
        self._shadow: _ShadowProcess | None = None
        self._failed_starts = 0
        self._start_after = 0.0
        self._ended = {end: definitions.SHADOWS_ENDED.labels(end) for end in ENDS}
        self._buffer = MetricsBuffer(_SEND_SECONDS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="shadow", daemon=True)

    def start(self) -> None:
        """Start to follow the assignment."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following the assignment, and end the process."""
        self._stop.set()
        self._thread.join()
        self._remove_shadow()

    def offer(self, images: Grey, scores: npt.NDArray[np.float32], tag: str) -> None:
        """Offer a forward pass of the version `tag` to the shadow.

        `images` are its pictures, uint8 (N, 28, 28), `scores` its probabilities, float (N, C).
        Call it in the event loop; it does not block.
        """
        if shadow := self._shadow:
            self._buffer.record(shadow.send, (images, scores, tag))

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            try:
                self._refresh()
            except (OSError, versions.ModelError) as error:  # a full disk, an invalid assignment
                files.log_once(f"cannot follow the shadow assignment: {error}")

    def _refresh(self) -> None:
        assigned = assignment.read()
        if assigned and not assigned.ended and (end := _reason_to_end(assigned)):
            self._end(assigned, *end)
            assigned = None
        if assigned and assigned.ended:
            assigned = None
        if self._shadow and (assigned is None or assigned.tag != self._shadow.tag):
            self._remove_shadow()
        if assigned is None:
            self._failed_starts, self._start_after = 0, 0.0
        elif self._shadow and not self._shadow.is_closed:
            self._shadow.share = assigned.share
            self._check_process(self._shadow, assigned)
        elif time.monotonic() > self._start_after:
            self._shadow = _ShadowProcess(assigned)

    def _check_process(self, shadow: "_ShadowProcess", assigned: Assignment) -> None:
        reason = shadow.read_reports()
        if shadow.is_ready and not shadow.is_registered:
            shadow.is_registered, self._failed_starts = True, 0
            self._registration.report_shadow(shadow.tag)
        exit_code = shadow.process.poll()
        if reason is None and exit_code is None:
            return
        self._close_process(shadow)  # still referenced: it counts dropped pictures until a restart
        self._start_after = time.monotonic() + _RESTART_SECONDS
        if not shadow.is_registered:
            self._failed_starts += 1
        if reason is None and self._failed_starts >= _MAX_FAILED_STARTS:
            reason = (
                f"Its process exited {_MAX_FAILED_STARTS} times while loading, the last time with "
                f"code {exit_code}."
            )
        if reason is not None:
            self._end(assigned, BROKEN, reason)

    def _end(self, assigned: Assignment, ended: str, reason: str) -> None:
        if assignment.end(assigned, ended, reason):
            self._ended[ended].inc()
            _log.info("the shadow test of %s ended: %s", assigned.tag, reason)

    def _remove_shadow(self) -> None:
        if self._shadow:
            shadow, self._shadow = self._shadow, None
            self._close_process(shadow)

    def _close_process(self, shadow: "_ShadowProcess") -> None:
        shadow.close()
        self._registration.report_shadow(None)


class _ShadowProcess:
    """A shadow process and the socket to it. `share` is the share of pictures that it compares."""

    def __init__(self, assigned: Assignment) -> None:
        self.tag, self.share = assigned.tag, assigned.share
        self.is_ready = self.is_closed = False
        self.is_registered = False  # in the worker's entry; stays True when the process ends
        self._connection, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.setblocking(False)
        self._rng = np.random.default_rng()
        # Numbers of pictures. The event loop writes the first two, the feeder's thread the others.
        self._offered = self._sent = 0
        self._compared = self._dropped = 0
        self._drop_lock = threading.Lock()
        self._results = {
            result: definitions.SHADOW_PICTURES.labels(result, self.tag)
            for result in ("agreed", "disagreed", "dropped")
        }
        with other_end:
            self.process = _spawn(assigned.tag, other_end.fileno())

    def send(self, passes: list[tuple[Grey, npt.NDArray[np.float32], str]]) -> None:
        """Send forward passes: pictures, probabilities and the champion's tag. Never blocks."""
        for tag, of_version in groupby(passes, key=itemgetter(2)):
            all_images, all_scores, _ = zip(*of_version, strict=True)
            images, scores = np.concatenate(all_images), np.concatenate(all_scores)
            if self.share < 1:
                chosen = self._rng.random(len(images)) < self.share
                images, scores = images[chosen], scores[chosen]
            offered = len(images)
            if offered > _MAX_PICTURES:
                sample = self._rng.choice(offered, _MAX_PICTURES, replace=False)
                images, scores = images[sample], scores[sample]
            answers = scores.argmax(axis=1)
            for start in range(0, len(images), _PACKET_PICTURES):
                end = start + _PACKET_PICTURES
                self._send_packet(images[start:end], tag, answers[start:end])
            self._offered += offered  # last: else the other thread counts them as dropped
        if self.is_closed:  # perhaps since the pictures were offered
            self._count_dropped(self._offered - self._compared)

    def _send_packet(self, images: Grey, tag: str, answers: npt.NDArray[np.int64]) -> None:
        if not self.is_ready:
            return
        try:
            self._connection.send(pack(images, tag, answers))
        except BlockingIOError:
            pass  # the process is behind
        except OSError:  # the process has just ended; the feeder's thread will notice
            self.is_ready = False
        else:
            self._sent += len(images)

    def read_reports(self) -> str | None:
        """Count what the process has reported. Returns its reason if the version does not load."""
        with contextlib.suppress(OSError):
            while content := self._connection.recv(1 << 12):
                report: dict[str, Any] = json.loads(content)
                if "broken" in report:
                    return str(report["broken"])
                self.is_ready = self.is_ready or "ready" in report
                for result in ("agreed", "disagreed"):
                    self._results[result].inc(report.get(result, 0))
                    self._compared += report.get(result, 0)
        self._count_dropped(self._offered - self._sent)
        return None

    def close(self) -> None:
        """End the process. Pictures without a report count as dropped. May be called again."""
        self.is_ready = False
        self.process.kill()
        self.process.wait()
        self.read_reports()
        self.is_closed = True  # after the last report: from here on, `send` counts by itself
        self._count_dropped(self._offered - self._compared)
        self._connection.close()

    def _count_dropped(self, total: int) -> None:
        """Raise the counter to `total`. It may lag a little: two threads write its parts."""
        with self._drop_lock:  # else both threads could add the same pictures
            if total > self._dropped:
                self._results["dropped"].inc(total - self._dropped)
                self._dropped = total


def _reason_to_end(assigned: Assignment) -> tuple[str, str] | None:
    if assigned.tag == versions.champion():
        return PROMOTED, "It is the champion now."
    if not versions.is_stored(assigned.tag):
        return DELETED, "It is no longer in the model store."
    return None


def _spawn(tag: str, descriptor: int) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"}
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "service.shadow.worker", tag, str(descriptor)],
        cwd=Path(training.__file__).parents[1],
        env=environment | {"WARDROBE_HOME": str(settings.home()), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        process_group=0,  # not a new session: Linux divides processor time by session first
    )
    with contextlib.suppress(OSError):
        if hasattr(os, "SCHED_IDLE"):
            os.sched_setscheduler(process.pid, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.setpriority(os.PRIO_PROCESS, process.pid, 19)
    with contextlib.suppress(OSError):  # on Linux: killed first when memory runs out
        Path(f"/proc/{process.pid}/oom_score_adj").write_text("1000", encoding="utf-8")
    return process
