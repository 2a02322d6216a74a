"""A worker's end of the shadow: a process of its own, fed with what was answered, never waited for.

The process runs only while nothing else wants its processor. Four times a second it is sent what
was answered, or a sample of it, if its socket takes that at once. A socket is full as soon as the
process is behind. Pictures that are not sent are dropped, before they cost anything, and counted.
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
from training.store import versions

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25

_SEND_SECONDS = 0.25
_PICTURES = 256
"""At most so many are sent so often, taken by lot. Each time the process awakes it disturbs those
who answer, and a thousand pictures tell how often two versions agree."""

_PACKET = 64
"""Pictures of a packet. A socket takes four of them."""

_RESTART_SECONDS = 2
_STARTS = 3
"""A process that dies so often without having been ready is not started again."""


class ShadowFeeder:
    """Follows the order for a shadow, keeps its process alive, and feeds it."""

    def __init__(self, registration: workers.Registration) -> None:
        self._registration = registration
        self._child: _Child | None = None
        self._failed_starts = 0
        self._start_after = 0.0
        self._ended = {end: definitions.SHADOWS_ENDED.labels(end) for end in ENDS}
        self._metrics_buffer = MetricsBuffer(_SEND_SECONDS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="shadow", daemon=True)

    def start(self) -> None:
        """Begin to follow the order."""
        self._thread.start()

    def stop(self) -> None:
        """End the process, and stop following."""
        self._stop.set()
        self._thread.join()
        self._close()

    def offer(self, images: Grey, scores: npt.NDArray[np.float32], tag: str) -> None:
        """What a forward pass saw, uint8 (N, 28, 28), and answered, float (N, C), by a version.

        For the event loop: it never waits.
        """
        if child := self._child:
            self._metrics_buffer.record(child.take, (images, scores, tag))

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                self._look()
            except (OSError, versions.ModelError):  # a full disk, or a strange order
                _log.exception("cannot look after the shadow")

    def _look(self) -> None:
        order = assignment.read()
        if order and not order.ended and (end := _why_it_ends(order)):
            self._end(order, *end)
            order = None
        if order and order.ended:
            order = None
        if self._child and (order is None or order.tag != self._child.tag):
            self._close()
        if order is None:
            self._failed_starts, self._start_after = 0, 0.0
        elif self._child and not self._child.is_closed:
            self._child.share = order.share
            self._look_after(self._child, order)
        elif time.monotonic() > self._start_after:
            self._child = _Child(order)

    def _look_after(self, child: "_Child", order: Assignment) -> None:
        reason = child.hear()
        if child.is_ready and not child.is_told:
            child.is_told, self._failed_starts = True, 0
            self._registration.tell_shadow(child.tag)
        code = child.process.poll()
        if reason is None and code is None:
            return
        self._close_child(
            child
        )  # but keep it: until the next one is there, it counts what is dropped
        self._start_after = time.monotonic() + _RESTART_SECONDS
        if not child.is_told:
            self._failed_starts += 1
        if reason is None and self._failed_starts >= _STARTS:
            reason = f"Its process ended {_STARTS} times while it loaded, at last with code {code}."
        if reason is not None:
            self._end(order, BROKEN, reason)

    def _end(self, order: Assignment, ended: str, reason: str) -> None:
        if assignment.end(order, ended, reason):
            self._ended[ended].inc()
            _log.info("no shadow any more: %s", reason)

    def _close(self) -> None:
        if self._child:
            child, self._child = self._child, None
            self._close_child(child)

    def _close_child(self, child: "_Child") -> None:
        child.close()
        self._registration.tell_shadow(None)


class _Child:
    """The process, and the socket between us. `share` is of the pictures that it is offered."""

    def __init__(self, order: Assignment) -> None:
        self.tag, self.share = order.tag, order.share
        self.is_ready = self.is_told = False  # the second stays, and is what the worker has told
        self._connection, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.setblocking(False)
        self.is_closed = False
        self._chance = np.random.default_rng()
        # Pictures. The event loop's thread writes the first two, the one that watches the others.
        self._offered = self._sent = 0
        self._compared = self._dropped = 0
        self._results = {
            result: definitions.SHADOW_PICTURES.labels(result, self.tag)
            for result in ("agreed", "disagreed", "dropped")
        }
        with others:
            self.process = _spawn(order.tag, others.fileno())

    def take(self, passes: list[tuple[Grey, npt.NDArray[np.float32], str]]) -> None:
        """Send what passes saw and answered, and by which version; drop what cannot be sent."""
        for tag, of_version in groupby(passes, key=itemgetter(2)):
            seen, answered, _ = zip(*of_version, strict=True)
            images, scores = np.concatenate(seen), np.concatenate(answered)
            if self.share < 1:
                chosen = self._chance.random(len(images)) < self.share
                images, scores = images[chosen], scores[chosen]
            self._offered += len(images)
            if len(images) > _PICTURES:
                sample = self._chance.choice(len(images), _PICTURES, replace=False)
                images, scores = images[sample], scores[sample]
            answers = scores.argmax(axis=1)
            for start in range(0, len(images), _PACKET):
                end = start + _PACKET
                self._send(images[start:end], tag, answers[start:end])
        if self.is_closed:  # perhaps since they were offered
            self._count_dropped(self._offered - self._compared)

    def _send(self, images: Grey, tag: str, answers: npt.NDArray[np.int64]) -> None:
        if not self.is_ready:
            return
        try:
            self._connection.send(pack(images, tag, answers))
        except BlockingIOError:
            pass  # it is behind
        except OSError:  # it has just died; whoever watches it will see
            self.is_ready = False
        else:
            self._sent += len(images)

    def hear(self) -> str | None:
        """Count what the process has reported. Returns why it does not load, if it said so."""
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
        """End the process. What it has not answered was dropped. May be called again."""
        self.is_closed, self.is_ready = True, False
        self.process.kill()
        self.process.wait()
        self.hear()
        self._count_dropped(self._offered - self._compared)
        self._connection.close()

    def _count_dropped(self, pictures: int) -> None:
        """So many in all. Two numbers of the other thread may be a picture apart for a moment."""
        if pictures > self._dropped:
            self._results["dropped"].inc(pictures - self._dropped)
            self._dropped = pictures


def _why_it_ends(order: Assignment) -> tuple[str, str] | None:
    if order.tag == versions.champion():
        return PROMOTED, "It is the champion now."
    if not versions.is_stored(order.tag):
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
        process_group=0,  # but not a session: Linux shares processors out among those first
    )
    with contextlib.suppress(OSError):
        if hasattr(os, "SCHED_IDLE"):
            os.sched_setscheduler(process.pid, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.setpriority(os.PRIO_PROCESS, process.pid, 19)
    with contextlib.suppress(OSError):  # Linux: it is the first to go when memory is used up
        Path(f"/proc/{process.pid}/oom_score_adj").write_text("1000", encoding="utf-8")
    return process
