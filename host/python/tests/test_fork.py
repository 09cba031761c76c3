"""A process that is forked after the host was loaded."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings

import pytest

import hexgate_host as hexgate

from conftest import POLICY

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def in_child(run) -> int:
    """Runs a function in a forked child: 0, or 1 if it failed, or 99 if it did not end."""
    with warnings.catch_warnings():
        # Newer Pythons warn of forks with threads: that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            run()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 99


def check_child(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    for use in (
        lambda: enforcer.decide("view_order", {}, caller=alice),
        lambda: enforcer.authorize_sync("view_order", {}, caller=alice),
        lambda: enforcer.kill_switch,
        lambda: enforcer.refresh(),
    ):
        with pytest.raises(hexgate.ForkError) as refused:
            use()
        assert refused.value.code == "forked" and "post_fork" in refused.value.remedy
    own = hexgate.Enforcer.from_yaml("support-bot", POLICY)
    for _ in range(20):
        assert own.decide("view_order", {}, caller=alice).allowed
        assert not own.decide("delete_order", {}, caller=alice).allowed


def test_what_the_parent_made_is_refused_and_what_the_child_makes_works(
    enforcer: hexgate.Enforcer, alice: hexgate.User
) -> None:
    assert enforcer.decide("view_order", {}, caller=alice).allowed
    assert in_child(lambda: check_child(enforcer, alice)) == 0
    # The parent goes on.
    assert enforcer.decide("view_order", {}, caller=alice).allowed


def test_threads_that_decide_while_the_process_forks(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    done = threading.Event()
    outcomes: set[str] = set()

    def work() -> None:
        while not done.is_set():
            outcomes.add(enforcer.decide("view_order", {}, caller=alice).outcome)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        codes = [in_child(lambda: check_child(enforcer, alice)) for _ in range(15)]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert codes == [0] * 15
    assert outcomes == {"allow"}


def test_a_permit_is_the_parents(make, alice: hexgate.User, tmp_path) -> None:
    tmp_path.chmod(0o700)
    enforcer = make(audit_log=tmp_path / "audit")
    permit = enforcer.authorize_sync("view_order", {}, caller=alice)

    def use() -> None:
        nonlocal permit
        with pytest.raises(hexgate.ForkError):
            permit.start()
        with pytest.raises(hexgate.ForkError):
            permit.complete("x")
        # Dropped here it records nothing: the record is the parent's.
        del permit

    assert in_child(use) == 0
    with permit:
        permit.complete("done")
    del enforcer, permit


def test_a_scope_does_not_cross_a_fork(alice: hexgate.User) -> None:
    def lost() -> None:
        with pytest.raises(hexgate.ScopeError, match="forked"):
            hexgate.current_caller()
        with alice:
            assert hexgate.current_caller() is alice

    with alice:
        assert in_child(lost) == 0
        assert hexgate.current_caller() is alice


def test_multiprocessing_by_fork(alice: hexgate.User, enforcer: hexgate.Enforcer) -> None:
    import multiprocessing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        worker = multiprocessing.get_context("fork").Process(target=check_child, args=(enforcer, alice))
        worker.start()
    worker.join(60)
    assert worker.exitcode == 0
