"""The law of ports: what is taken is a problem that names its holder, what is free is left free."""

import os
import socket
import sys
from pathlib import Path

import pytest

from fetalstream.pipeline.config import ConsoleSection, ZmqSection
from fetalstream.pipeline.doctor import Status
from fetalstream.pipeline.doctor.ports import look_at_ports


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
