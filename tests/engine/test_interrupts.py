"""SIGINT, SIGTERM and SIGHUP, with real signals."""

from __future__ import annotations

import signal
import threading

import pytest

from cifar_lab.engine.interrupts import Interrupted, StopRequest, signals_ignored

ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNALS = pytest.mark.parametrize("signum", ALL)


@pytest.fixture(autouse=True)
def outer() -> list[int]:
    """Catches signals that nothing else handled; an unhandled SIGTERM would end the tests."""
    received: list[int] = []
    before = {
        signum: signal.signal(signum, lambda number, _: received.append(number)) for signum in ALL
    }
    yield received
    for signum, handler in before.items():
        signal.signal(signum, handler)


@SIGNALS
def test_between_steps_of_work_a_signal_stops_at_once(signum):
    stop = StopRequest()
    with stop.listening(), pytest.raises(Interrupted) as caught:
        signal.raise_signal(signum)
    assert caught.value.signum == signum
    assert str(caught.value) == f"interrupted by {signal.Signals(signum).name}"


@SIGNALS
def test_during_training_a_signal_waits_until_it_is_looked_at(signum):
    stop = StopRequest()
    with pytest.raises(Interrupted), stop.listening(), stop.deferred():
        assert stop.requested is None
        signal.raise_signal(signum)
        assert stop.requested == signum
        passed = True
    assert passed  # and a signal that was never checked is not lost


def test_during_training_a_second_signal_does_not_wait():
    stop = StopRequest()
    with pytest.raises(Interrupted, match="interrupted by SIGINT"):
        with stop.listening(), stop.deferred():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
    assert stop.requested == signal.SIGTERM


def test_after_training_a_signal_stops_at_once_again():
    stop = StopRequest()
    with stop.listening():
        with stop.deferred():
            pass
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)


def test_a_failure_during_training_ends_the_waiting():
    stop = StopRequest()
    with stop.listening():
        with pytest.raises(ZeroDivisionError), stop.deferred():
            raise ZeroDivisionError
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("fails", [False, True])
def test_afterwards_signals_go_where_they_went_before(outer, fails):
    stop = StopRequest()
    try:
        with stop.listening():
            if fails:
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert outer == [signal.SIGINT, signal.SIGTERM]
    assert stop.requested is None


def test_in_another_thread_nothing_is_handled(outer):
    entered = []

    def work():
        with StopRequest().listening() as stop:
            entered.append(stop)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert isinstance(entered[0], StopRequest)
    signal.raise_signal(signal.SIGTERM)
    assert outer == [signal.SIGTERM]


def test_a_signal_that_nohup_has_ignored_stays_ignored(outer):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop = StopRequest()
    with stop.listening():
        signal.raise_signal(signal.SIGHUP)
    assert stop.requested is None
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_signals_can_be_ignored_for_a_moment(outer):
    stop = StopRequest()
    with stop.listening():
        with signals_ignored():
            for signum in ALL:
                signal.raise_signal(signum)
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGHUP)
    assert outer == []


def test_no_handler_of_failures_mistakes_an_interruption_for_one():
    assert not issubclass(Interrupted, Exception)
