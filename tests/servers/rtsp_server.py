"""A real RTSP server for the tests: GStreamer's, sending a test picture.

Runs with the system's Python (it needs the Debian packages of .ci/packages.txt, not this project's environment):

    /usr/bin/python3 rtsp_server.py --port 8554 --size 320x240 --fps 25 --codec h264 --sound

Prints "ready PORT" once it serves ``rtsp://127.0.0.1:PORT/live``. What it can do wrong, on wish:

    --switch-size 480x360   change the picture's size in mid-stream, each time it gets SIGUSR1 (there and back)
    --slices                cut key pictures in a way that readers take their halves for pictures
    --tear 0.002            damage this share of the encoded bytes
    --login user:secret     refuse everybody else

SIGUSR2 makes the picture all white from now on; SIGHUP throws everybody out (who may come again at once).
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false
import argparse
import signal

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - versions first

ENCODERS = {
    "h264": (
        "x264enc tune=zerolatency speed-preset=ultrafast threads=2 sliced-threads={slices} bitrate=500"
        " key-int-max={key_every}"
    ),
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate=500 key-int-max={key_every}",
    "jpeg": "jpegenc",
}
PAYLOADERS = {
    "h264": "rtph264pay name=pay0 pt=96 config-interval=-1",
    "h265": "rtph265pay name=pay0 pt=96 config-interval=-1",
    "jpeg": "rtpjpegpay name=pay0 pt=26",
}
RAW = "video/x-raw,format=I420,width={},height={},framerate={}/1"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--key-every", type=int, default=25)
    parser.add_argument("--codec", choices=sorted(ENCODERS), default="h264")
    parser.add_argument("--sound", action="store_true")
    parser.add_argument("--switch-size")
    parser.add_argument("--slices", action="store_true")
    parser.add_argument("--tear", type=float, default=0.0)
    parser.add_argument("--login")
    return parser.parse_args()


def launch_line(wanted: argparse.Namespace) -> str:
    stages = [
        "videotestsrc name=picture is-live=true pattern=ball",
        "videoscale",
        f"capsfilter name=size caps={RAW.format(*wanted.size.split('x'), wanted.fps)}",
        ENCODERS[wanted.codec].format(slices=str(wanted.slices).lower(), key_every=wanted.key_every),
    ]
    if wanted.tear:  # the first bytes are spared, else there would be no stream to tear
        stages += ["video/x-h264,stream-format=byte-stream", f"breakmydata probability={wanted.tear} skip=20000 seed=1"]
    stages.append(PAYLOADERS[wanted.codec])
    sound = " audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 pt=8" if wanted.sound else ""
    return f"( {' ! '.join(stages)}{sound} )"


class Server:
    def __init__(self, wanted: argparse.Namespace) -> None:
        self._wanted = wanted
        self._media: list[GstRtspServer.RTSPMedia] = []
        self._switched = False
        self._server = GstRtspServer.RTSPServer(address="127.0.0.1", service=str(wanted.port))
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch_line(wanted))
        factory.set_shared(True)
        factory.connect("media-configure", lambda _, media: self._media.append(media))
        if wanted.login:
            self._lock(factory, *wanted.login.split(":", 1))
        self._server.get_mount_points().add_factory("/live", factory)
        self._server.attach(None)

    @property
    def port(self) -> int:
        return self._server.get_bound_port()

    def _lock(self, factory: GstRtspServer.RTSPMediaFactory, user: str, password: str) -> None:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
        self._server.set_auth(auth)
        role = "viewer,media.factory.access=true,media.factory.construct=true"
        factory.add_role_from_structure(Gst.Structure.from_string(role)[0])

    def switch_size(self) -> bool:
        self._switched = not self._switched
        size = self._wanted.switch_size if self._switched else self._wanted.size
        self._set("size", "caps", Gst.Caps.from_string(RAW.format(*size.split("x"), self._wanted.fps)))
        return True

    def turn_white(self) -> bool:
        self._set("picture", "pattern", 3)
        return True

    def throw_out(self) -> bool:
        self._server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
        return True

    def _set(self, name: str, property_name: str, value: object) -> None:
        for media in self._media:
            element = media.get_element()
            if element is not None and (part := element.get_by_name(name)) is not None:
                part.set_property(property_name, value)


def main() -> None:
    wanted = arguments()
    Gst.init(None)
    server = Server(wanted)
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR1, server.switch_size)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR2, server.turn_white)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGHUP, server.throw_out)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    print("ready", server.port, flush=True)  # noqa: T201 - the tests wait for it
    loop.run()


if __name__ == "__main__":
    main()
