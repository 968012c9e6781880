"""The law of looking at the machine: it always answers, and what it says is what the system says."""

import os
import platform
import sys
from collections.abc import Callable, Iterator

import pytest

from fetalstream.pipeline.doctor import Finding, Status, machine


@pytest.mark.parametrize(
    "look",
    [
        machine.look_at_python,
        machine.look_at_libraries,
        machine.look_at_processor,
        machine.look_at_gpu,
        machine.look_at_clock,
    ],
)
def test_every_look_finds_something_and_says_what_to_do_when_not_all_is_well(look: Callable[[], Iterator[Finding]]):
    findings = list(look())
    assert findings
    assert all(finding.what for finding in findings)
    assert all(bool(finding.todo) == (finding.status is not Status.OK) for finding in findings)
    assert all(finding.status is not Status.PROBLEM for finding in findings), "the tests run here, so a run would too"


def test_versions_are_those_that_are_installed():
    import torch

    (python,) = machine.look_at_python()
    assert python.what.startswith(platform.python_version())
    (libraries,) = machine.look_at_libraries()
    assert libraries.facts["versions"]["torch"] == torch.__version__.partition("+")[0]


def test_a_package_that_is_missing_is_a_problem(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "_required", lambda: ["numpy", "nowhere-to-be-found"])
    (finding,) = machine.look_at_libraries()
    assert finding.status is Status.PROBLEM
    assert finding.what == "missing: nowhere-to-be-found"
    assert "pip install nowhere-to-be-found" in finding.todo


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds processes to cores this way")
def test_cores_are_those_this_process_is_bound_to():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert machine.usable_cores() <= 1
        finding, *_ = machine.look_at_processor()
    finally:
        os.sched_setaffinity(0, before)
    assert finding.status is Status.WARNING
    assert "1 core," in finding.what
