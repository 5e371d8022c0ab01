"""Spans and log lines leave in the background: they cost nobody anything when the collector is away, and no thread stays behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from system.plumbing import telemetry
from system.plumbing.telemetry.export import FLUSH_S, Outlet
from system.plumbing.tests.spans import attribute, collecting

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _afterwards() -> Iterator[None]:
    yield
    telemetry.configure("shop")


def counted(what: str, signal: str) -> float:
    """What a counter of telemetry says."""
    return REGISTRY.get_sample_value(f"alexandrite_telemetry_{what}_total", {"signal": signal}) or 0.0


def sending_threads() -> list[str]:
    """Threads that send telemetry."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("OtelBatch")]


def test_spans_and_lines_arrive_with_their_order_and_their_sender() -> None:
    with collecting() as collector:
        telemetry.configure("shop", endpoint=collector.endpoint, key="k-1", release="r-7", slot="blue")
        sent = {signal: counted("exported", signal) for signal in ("spans", "logs")}
        order = "01a2292b-0fa1-76e6-9b5e-de785985592c"
        with telemetry.in_order(order, "consume"):
            telemetry.log.warning("message set aside", attempts=3)
        telemetry.flush()
        (span,), (line,) = collector.spans(), collector.lines()
        assert span.trace_id.hex() == line.trace_id.hex() == order.replace("-", "")
        assert line.span_id == span.span_id
        assert (line.severity_text, line.body.string_value) == ("WARNING", "message set aside")
        assert attribute(span, "order.id") == attribute(line, "order.id") == order
        assert collector.authorizations == {"Bearer k-1"}
        assert b"r-7" in collector.bytes_seen and b"blue" in collector.bytes_seen
        assert {signal: counted("exported", signal) - count for signal, count in sent.items()} == {
            "spans": 1,
            "logs": 1,
        }


def test_nothing_is_sent_and_no_thread_runs_without_a_collector() -> None:
    telemetry.configure("shop")
    assert not sending_threads()
    with telemetry.span("look") as span:
        assert not span.is_recording()
        assert telemetry.current_traceparent()


def test_tracing_off_sends_nothing() -> None:
    with collecting() as collector:
        telemetry.configure("shop", endpoint=collector.endpoint, is_tracing=False)
        with telemetry.span("look"):
            telemetry.log.info("line")
        telemetry.flush()
        assert not collector.bodies and not sending_threads()


def test_no_thread_is_left_after_the_end() -> None:
    with collecting() as collector:
        telemetry.configure("shop", endpoint=collector.endpoint)
        with telemetry.span("last"):
            pass
        assert len(sending_threads()) == 2
        telemetry.stop()
        assert not sending_threads()
        assert [span.name for span in collector.spans()] == ["last"]


@pytest.mark.parametrize("where", ["nobody listens", "it refuses"])
def test_a_collector_that_is_away_holds_up_nobody(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    with collecting() as collector:
        collector.status = 503
        telemetry.configure("shop", endpoint=NOBODY if where == "nobody listens" else collector.endpoint)
        dropped = counted("dropped", "spans")
        started = time.perf_counter()
        for _ in range(300):
            with telemetry.span("work"):
                pass
        assert time.perf_counter() - started < 1.0
        stopping = time.perf_counter()
        telemetry.stop()
        assert time.perf_counter() - stopping < FLUSH_S + 2
        assert counted("dropped", "spans") - dropped == 300
        assert not sending_threads()


def test_more_than_there_is_room_for_is_dropped_and_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 1000.0
    outlet = Outlet("spans", queued_max=2, clock=lambda: now)
    dropped, exported = counted("dropped", "spans"), counted("exported", "spans")
    assert [outlet.admits() for _ in range(5)] == [True, True, False, False, False]
    assert counted("dropped", "spans") - dropped == 3
    assert [record.getMessage() for record in caplog.records] == ["spans are not sent: more than can be sent"]
    now += 59
    assert not outlet.admits() and len(caplog.records) == 1
    now += 2
    assert not outlet.admits() and len(caplog.records) == 2
    # What was sent makes room.
    assert outlet.send(2, lambda: True)
    assert outlet.admits()
    assert counted("exported", "spans") - exported == 2


def test_a_batch_that_fails_is_counted_and_makes_room(caplog: pytest.LogCaptureFixture) -> None:
    outlet = Outlet("logs", queued_max=1)
    dropped = counted("dropped", "logs")

    def fail() -> bool:
        raise OSError("somebody@wombat.example")

    assert outlet.admits() and not outlet.send(1, fail)
    assert counted("dropped", "logs") - dropped == 1
    assert outlet.admits()
    assert "wombat" not in caplog.text
