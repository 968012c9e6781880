"""The law of ports: what is taken is a problem that names its holder, what is free is left free."""

import os
import socket
import sys
from pathlib import Path

import pytest

from fetalstream.pipeline.config import ConsoleSection, MetricsSection, ZmqSection
from fetalstream.pipeline.doctor import Finding, Status
from fetalstream.pipeline.doctor.ports import look_at_metrics, look_at_page, look_at_ports
from fetalstream.pipeline.settings import load_config


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def zmq(endpoint: str) -> ZmqSection:
    return ZmqSection(kind="zmq", endpoint=endpoint)


def test_a_free_port_can_be_opened_and_is_free_afterwards():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for _ in range(2):
        (finding,) = look_at_ports([zmq(f"tcp://127.0.0.1:{port}")])
        assert (finding.status, finding.todo) == (Status.OK, "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a port")
def test_a_port_in_use_is_a_problem_and_its_holder_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        (finding,) = look_at_ports([zmq(endpoint)])
    assert finding.status is Status.PROBLEM
    assert endpoint in finding.what
    assert f"(process {os.getpid()})" in finding.what
    assert f"(process {os.getpid()})" in finding.todo


def test_a_local_socket_in_use_is_a_problem_and_stays_in_use(tmp_path: Path):
    path = tmp_path / "events"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        (finding,) = look_at_ports([zmq(f"ipc://{path}")])
        assert finding.status is Status.PROBLEM
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))  # whoever listened still does


def test_a_local_socket_that_was_left_behind_is_no_obstacle(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "events"))
    (finding,) = look_at_ports([zmq(f"ipc://{tmp_path}/events"), ConsoleSection(kind="console")])
    assert finding.status is Status.OK


def test_an_endpoint_that_other_machines_could_reach_is_a_problem():
    (finding,) = look_at_ports([zmq("tcp://0.0.0.0:5599")])
    assert finding.status is Status.PROBLEM
    assert "other machines" in finding.what


def test_no_endpoint_is_no_fault():
    (finding,) = look_at_ports([])
    assert finding.status is Status.OK


def page(*assignments: str, **options: bool) -> list[Finding]:
    return list(look_at_page(load_config("live", assignments=["ui.enabled=true", *assignments]), **options))


def test_what_nobody_wants_is_not_looked_at():
    assert list(look_at_page(load_config("live"))) == list(look_at_metrics(MetricsSection())) == []


def test_a_free_port_can_serve_the_page_and_is_free_afterwards(free_port: int):
    for _ in range(2):
        (finding,) = page(f"ui.port={free_port}", fixed_port=True)
        assert (finding.status, finding.facts["port"]) == (Status.OK, free_port)


def test_where_the_pages_port_is_taken_another_is_unless_it_was_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (other,) = page(f"ui.port={port}")
        (named,) = page(f"ui.port={port}", fixed_port=True)
    assert other.status is Status.OK
    assert f"port {port} is in use" in other.what
    assert named.status is Status.PROBLEM
    assert str(port) in named.what


def test_a_token_that_is_not_there_is_a_problem(monkeypatch: pytest.MonkeyPatch, free_port: int):
    monkeypatch.delenv("PAGE_TOKEN", raising=False)
    (finding,) = page(f"ui.port={free_port}", "ui.host=0.0.0.0", "ui.token_variable=PAGE_TOKEN")
    assert finding.status is Status.PROBLEM
    assert "PAGE_TOKEN" in finding.what


def test_the_port_of_metrics_is_tried(free_port: int):
    (finding,) = look_at_metrics(MetricsSection(enabled=True, port=free_port))
    assert finding.status is Status.OK
    with socket.create_server(("127.0.0.1", free_port)):
        (finding,) = look_at_metrics(MetricsSection(enabled=True, port=free_port))
    assert finding.status is Status.PROBLEM
    assert str(free_port) in finding.what
