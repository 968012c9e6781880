"""A publisher killed and restarted again and again, on a connection that loses much: is what the client says true?

    python benchmarks/bus_restarts.py --restarts 20

Each publisher is a process of its own that writes down what it is about to send, keeps a store, and dies by SIGKILL at
a random moment. Its marks are low, it remembers little, and the client is slow at times, so that events are lost for
good too. Then all that the client said is compared with what was written down: every number of every epoch must have
come, in order, or been reported as missing, and nothing else. Prints one JSON object; exits with 1 when a claim was
false.
"""

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fetalstream.sinks import PlaneEntered
from fetalstream.sinks.client import Client
from fetalstream.sinks.notice import Gap, Joined, Restarted
from fetalstream.sinks.publisher import Publisher
from fetalstream.sinks.store import StoreSink
from fetalstream.sinks.store_file import reading

MARK = 20
REMEMBERED = 200
RATE = 2000
SHORTEST_SECONDS = 1.0
"""A client that has lost its publisher looks for the next one every half second."""
PADDING = "x" * 2000
"""Makes the kernel's buffers count few events."""


def publish(endpoint: str, folder: Path) -> None:
    """Until killed."""
    publisher = Publisher(endpoint, hwm=MARK, remembered=REMEMBERED)
    store = StoreSink(folder / "events.db", power_safe=False)
    with (folder / publisher.epoch).open("wb", buffering=0) as ledger:
        print(publisher.epoch, flush=True)
        sequence = 0
        while True:
            event = PlaneEntered(
                stream=publisher.epoch, sequence=sequence, plane=PADDING, start_seconds=sequence / RATE, score=0.9
            )
            ledger.write(b".")
            store.write(event)
            publisher.write(event)
            sequence += 1
            time.sleep(1 / RATE)


class Account:
    """What a client says of one epoch: numbers that came, and numbers it called missing."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self.missing: list[int] = []

    def fault(self, sent: int) -> str:
        """Empty when all that was said is true and whole."""
        if self.came != sorted(set(self.came)):
            return "not in order, or twice"
        told = sorted(self.came + self.missing)
        if told != list(range(len(told))):
            return "a number is neither there nor missing, or both"
        return f"{len(told)} told of, {sent} sent" if len(told) > sent else ""


def follow(client: Client, accounts: dict[str, Account], seconds: float, rng: random.Random) -> list[object]:
    """Receive for so long, pausing at times; returns the restarts."""
    restarts: list[object] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        received = client.receive(0.05)
        if isinstance(received, PlaneEntered):
            accounts.setdefault(received.stream, Account()).came.append(received.sequence)
            if rng.random() < 0.0005:
                time.sleep(0.3)
        elif isinstance(received, Gap):
            numbers = range(received.first_sequence, received.first_sequence + received.missing)
            accounts.setdefault(received.epoch, Account()).missing += numbers
        elif isinstance(received, Joined):
            accounts.setdefault(received.epoch, Account()).missing += range(received.before.get("plane.entered", 0))
        elif isinstance(received, Restarted):
            restarts.append(received)
    return restarts


def verified(store: Path) -> int:
    """Events in the store, its chain checked. Raises where it is broken."""
    with reading(store) as file:
        return sum(1 for _ in file.checked_records())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2.5, help="longest life of a publisher")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--publish", nargs=2, metavar=("ENDPOINT", "DIR"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.publish:
        publish(options.publish[0], Path(options.publish[1]))
    rng = random.Random(options.seed)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        accounts: dict[str, Account] = {}
        restarts: list[object] = []
        epochs: list[str] = []
        stored = 0
        client = Client(endpoint, hwm=MARK)
        for _ in range(options.restarts):
            command = [sys.executable, __file__, "--publish", endpoint, str(folder)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
                assert child.stdout is not None
                epochs.append(child.stdout.readline().strip())
                restarts += follow(client, accounts, rng.uniform(SHORTEST_SECONDS, options.seconds), rng)
                child.send_signal(signal.SIGKILL)
            restarts += follow(client, accounts, 0.2, rng)
            stored = verified(folder / "events.db")
        restarts += follow(client, accounts, 1.0, rng)
        client.close()
        sent = {epoch: (folder / epoch).stat().st_size for epoch in epochs}
    faults = {epoch: fault for epoch, account in accounts.items() if (fault := account.fault(sent.get(epoch, 0)))}
    summary = {
        "epochs": len(epochs),
        "epochs_seen": len(accounts),
        "restarts_told": len(restarts),
        "sent": sum(sent.values()),
        "came": sum(len(account.came) for account in accounts.values()),
        "told_missing": sum(len(account.missing) for account in accounts.values()),
        "stored_and_verified": stored,
        "faults": faults,
    }
    print(json.dumps(summary))
    sys.exit(bool(faults) or set(accounts) != set(epochs) or len(restarts) != len(epochs) - 1)


if __name__ == "__main__":
    main()
