"""The other end of the publisher: a subscriber that knows what it missed, and gets it back where it can."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import zmq

from .complaints import Complaints
from .continuity import Continuity, LagWatch
from .endpoint import is_this_machine, requests_at
from .event import AnyEvent
from .inquiry import Inquiry
from .keys import key_folder, load_pair, load_public
from .notice import Joined, Notice, Silent, Unanswered
from .publisher import DEFAULT_ENDPOINT
from .questions import Answer
from .ring import wanted
from .sink import SinkError
from .wire import EVENT_TOPICS, HEARTBEAT_TOPIC, MESSAGE_PARTS, MOST_BODY_BYTES, Heartbeat, Message, decode

DEFAULT_HWM = 10_000
SILENT_SECONDS = 3.0
"""Three heartbeats."""
LATE_SECONDS = 1.0
MUTE_SECONDS = 30.0
"""For so long nothing is asked of a publisher that did not answer: asking holds up what comes."""
_LOOK_UP_SECONDS = 0.1
_KNOWN_TOPICS = frozenset(topic.encode() for topic in (*EVENT_TOPICS, HEARTBEAT_TOPIC))

Received = AnyEvent | Notice


class Client:
    """Receives events; may start before or after the publisher, and outlives it.

    It joins by a snapshot (`Joined`), after which events come each once, those of each topic in order (over all topics
    their own ``sequence`` gives the order). What the connection has lost it asks for again; what it cannot get it
    reports (`Gap`), before the first event behind the hole. A heartbeat each second lets it notice losses at the end,
    and silence. What it can make no sense of it counts in ``rejected`` and skips.

    Args:
        endpoint: where the publisher listens.
        topics: beginnings of kinds, such as "plane."; none: everything.
        hwm: messages kept while nobody receives.
        key: name or file of this client's secret key, for a publisher with a key.
        server_key: the publisher's public key: its 40 letters, or a file that holds them.
        history: instead of a snapshot, ask for all the publisher still has.
        late_seconds: age of a message from which `Lagging` is said.
    """

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        topics: Iterable[str] = (),
        *,
        hwm: int = DEFAULT_HWM,
        key: str | None = None,
        server_key: str | None = None,
        history: bool = False,
        late_seconds: float = LATE_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self.rejected = 0
        self._topics = tuple(topics) or ("",)
        self._history = history
        self._curve = _curve_options(key, server_key)
        self._continuity = Continuity()
        self._lag = LagWatch(late_seconds, shared_clock=is_this_machine(endpoint))
        self._complaints = Complaints(endpoint)
        self._waiting: deque[Received] = deque()
        self._joined = False
        self._seen: dict[str, int] = {}  # while joining: by topic, the first number that came
        self._reached: dict[str, int] = {}  # while asking: the numbers that are known to have been sent
        self._held: Message | None = None  # while asking: what came behind the hole
        self._heard_at = time.monotonic()
        self._met_at = self._heard_at
        self._silent = False
        self._mute_until = 0.0
        self._inquiry: Inquiry | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()  # the sockets' fence, see `Publisher`
        self._context = zmq.Context()
        self._socket = self._new_socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, hwm)
        for topic in {*self._topics, HEARTBEAT_TOPIC}:
            self._socket.setsockopt_string(zmq.SUBSCRIBE, topic)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            example = f"{DEFAULT_ENDPOINT} or ipc://FILE"
            raise SinkError(f"{endpoint!r} is no endpoint to connect to ({error.strerror}); write {example}") from None

    def receive(self, timeout_seconds: float | None = None) -> Received | None:
        """The next event or notice; None when nothing came in time or the client was closed."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self._closed.is_set():
            if self._waiting:
                return self._waiting.popleft()
            left = _LOOK_UP_SECONDS if deadline is None else min(_LOOK_UP_SECONDS, deadline - time.monotonic())
            with self._lock:
                if not self._socket.closed:
                    self._step(max(0.0, left))
            if not self._waiting and deadline is not None and time.monotonic() >= deadline:
                return None
        return None

    def events(self, timeout_seconds: float | None = None) -> Iterator[Received]:
        """Everything that comes, until nothing came for so long, or until the client is closed."""
        while (received := self.receive(timeout_seconds)) is not None:
            yield received

    def __iter__(self) -> Iterator[Received]:
        return self.events()

    def close(self) -> None:
        """Any number of times, from any thread; whoever waits in `receive` gets None soon."""
        self._closed.set()
        with self._lock:
            self._socket.close()
            if self._inquiry is not None:
                self._inquiry.socket.close()
            self._context.term()
        self._complaints.flush(everything=True)

    def _step(self, timeout_seconds: float) -> None:
        """Read one message, or the answer to a question under way: what comes meanwhile waits in its socket."""
        if self._inquiry is not None and self._inquiry.waiting:
            self._await_answer(self._inquiry, timeout_seconds)
            return
        try:
            parts = self._socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            if not self._socket.poll(round(timeout_seconds * 1000)):
                self._notice_silence()
            return
        if (message := self._decoded(parts)) is not None:
            self._take(message)

    def _take(self, message: Message) -> None:
        now_ns = time.monotonic_ns()
        self._heard_at, self._silent = now_ns / 1e9, False
        header = message.header
        if header.epoch != self._continuity.epoch:
            self._meet(header.epoch)
        if (late := self._lag.check(published_ns=header.monotonic_ns, read_ns=now_ns)) is not None:
            self._waiting.append(late)
        if isinstance(message.event, Heartbeat):
            self._take_heartbeat(message.event)
        elif self._joined or self._heard_at - self._met_at > SILENT_SECONDS:
            if not self._joined:  # this publisher has no heart: nothing can be asked of it
                self._join(before={}, events=())
            self._take_event(message)
        else:  # the snapshot will tell what was before it, and a replay brings it
            self._seen.setdefault(message.topic, header.sequence)

    def _meet(self, epoch: str) -> None:
        """The first publisher, or another one; of that, all is wanted, for this client was there."""
        self._waiting += self._continuity.meet(epoch)
        self._history = self._history or self._joined
        self._joined = False
        self._met_at = self._heard_at
        self._seen = {}
        self._mute_until = 0.0
        self._lag.restart()
        if self._inquiry is not None:
            self._inquiry.socket.close()
            self._inquiry = None

    def _take_heartbeat(self, beat: Heartbeat) -> None:
        if self._inquiry is None and (endpoint := requests_at(self.endpoint, beat.requests_port)) is not None:
            self._inquiry = Inquiry(self._new_socket(zmq.DEALER), endpoint, self._topics)
        reached = self._wanted(beat.next)
        if self._joined:
            self._repair(reached)
        elif self._history or self._inquiry is None:
            self._join(before={} if self._history else reached, events=())
            self._repair(reached)
        else:
            self._reached = reached
            self._inquiry.ask("snapshot")

    def _take_event(self, message: Message) -> None:
        topic, sequence = message.topic, message.header.sequence
        if self._continuity.missing({topic: sequence}):
            self._repair({topic: sequence}, held=message)
        elif self._continuity.arrived(topic, sequence):
            self._deliver(message)

    def _repair(self, reached: Mapping[str, int], held: Message | None = None) -> None:
        """Get what is missing before these numbers; what came behind the hole is held meanwhile."""
        if not self._continuity.missing(reached):
            return
        self._reached, self._held = dict(reached), held
        if self._inquiry is None or time.monotonic() < self._mute_until:
            self._settle()
        else:
            self._ask_replay(self._inquiry)

    def _ask_replay(self, inquiry: Inquiry) -> None:
        inquiry.ask("replay", epoch=self._continuity.epoch or "", first=self._continuity.expected)

    def _settle(self) -> None:
        """No more can be had: what is still missing is lost."""
        self._waiting += self._continuity.give_up(self._reached)
        held, self._held, self._reached = self._held, None, {}
        if held is not None and self._continuity.arrived(held.topic, held.header.sequence):
            self._deliver(held)

    def _await_answer(self, inquiry: Inquiry, timeout_seconds: float) -> None:
        try:
            answered = inquiry.answer(timeout_seconds)
        except SinkError as error:
            self._reject(error)
            return
        if answered is not None:
            answer, messages = answered
            decoded = [message for parts in messages if (message := self._decoded(parts)) is not None]
            usable = [m for m in decoded if m.header.epoch == self._continuity.epoch and wanted(m.topic, self._topics)]
            self._take_answer(inquiry, answer, usable)
        elif inquiry.failed:
            inquiry.forget()
            self._mute_until = time.monotonic() + MUTE_SECONDS
            self._waiting.append(Unanswered(endpoint=inquiry.endpoint))
            if self._joined:
                self._settle()
            else:
                self._join(before=self._reached, events=())

    def _take_answer(self, inquiry: Inquiry, answer: Answer, messages: Sequence[Message]) -> None:
        same = answer.epoch == self._continuity.epoch
        if answer.answer == "snapshot":
            if same:  # else the publisher was restarted in between: the next heartbeat begins anew
                self._join(before=self._wanted(answer.next), events=messages)
            return
        news = 0
        for message in messages if same else ():
            self._waiting += self._continuity.give_up({message.topic: message.header.sequence})
            if self._continuity.arrived(message.topic, message.header.sequence):
                self._deliver(message)
                news += 1
        if news and answer.more:
            self._ask_replay(inquiry)
        else:
            self._settle()

    def _join(self, *, before: Mapping[str, int], events: Sequence[Message]) -> None:
        """From here on nothing is missed unsaid: from the first that came, or from the snapshot on."""
        start = {topic: min(number, self._seen.get(topic, number)) for topic, number in before.items()}
        self._continuity.expected = dict(start)
        self._joined = True
        state = [m for m in events if m.header.sequence < start.get(m.topic, 0)]
        self._waiting.append(
            Joined(
                epoch=self._continuity.epoch or "",
                before=start,
                events=tuple(m.event for m in state if not isinstance(m.event, Heartbeat)),
            )
        )
        self._repair(before)

    def _deliver(self, message: Message) -> None:
        if not isinstance(message.event, Heartbeat):
            self._waiting.append(message.event)

    def _wanted(self, numbers: Mapping[str, int]) -> dict[str, int]:
        return {t: number for t, number in numbers.items() if t in EVENT_TOPICS and wanted(t, self._topics)}

    def _notice_silence(self) -> None:
        seconds = time.monotonic() - self._heard_at
        if seconds > SILENT_SECONDS and not self._silent:
            self._silent = True
            self._waiting.append(Silent(endpoint=self.endpoint, seconds=round(seconds, 1)))

    def _decoded(self, parts: Sequence[bytes]) -> Message | None:
        if parts[0] not in _KNOWN_TOPICS and len(parts) == MESSAGE_PARTS:
            self.rejected += 1
            self._complaints.add("events of a kind unknown to this version are passed over", repr(parts[0][:64]))
            return None
        try:
            return decode(parts)
        except SinkError as error:
            self._reject(error)
            return None

    def _reject(self, error: SinkError) -> None:
        self.rejected += 1
        self._complaints.add("a message makes no sense and is passed over", str(error))

    def _new_socket(self, kind: int) -> "zmq.Socket[bytes]":
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, MOST_BODY_BYTES)
        socket.setsockopt(zmq.RECONNECT_IVL, 50)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        socket.setsockopt(zmq.IPV6, int("[" in self.endpoint))
        for option, value in self._curve.items():
            socket.setsockopt(option, value)
        return socket


def _curve_options(key: str | None, server_key: str | None) -> dict[int, bytes]:
    if (key is None) != (server_key is None):
        missing = "the publisher's public key" if server_key is None else "this client's own key"
        raise SinkError(f"an encrypted connection needs both keys; {missing} is missing")
    if key is None or server_key is None:
        return {}
    folder = key_folder()
    pair = load_pair(key, folder)
    return {
        zmq.CURVE_PUBLICKEY: pair.public,
        zmq.CURVE_SECRETKEY: pair.secret,
        zmq.CURVE_SERVERKEY: load_public(server_key, folder),
    }
