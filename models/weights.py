"""The weights this project knows: where they come from, fetching them, and telling which model a file holds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import GatedRepoError, RemoteEntryNotFoundError, RepositoryNotFoundError
from huggingface_hub.utils import tqdm
from torch import nn

from .compact import FORMAT_VERSION, is_compact, read_compact
from .encoder import ModelError
from .fetalclip import FETALCLIP
from .files import MisfitError, sha256_of
from .home import home
from .mobile import MOBILE
from .sononet import is_sononet, read_network
from .towers import Architecture
from .trust import check_trust, trust, trusted_sha256

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes there will be, None when unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWeights:
    """Weights on the Hugging Face hub.

    Attributes:
        architecture: what they fill.
        repository, filename: where they lie on the hub.
        licence: under which they may be used.
    """

    architecture: Architecture
    repository: str
    filename: str
    licence: str

    @property
    def name(self) -> str:
        """What a user calls them."""
        return self.architecture.kind

    @property
    def path(self) -> Path:
        """Where they lie on this machine once pulled."""
        return home() / "weights" / self.name / self.filename

    @property
    def is_here(self) -> bool:
        """Whether they were pulled."""
        return self.path.is_file()


KNOWN: dict[str, KnownWeights] = {
    known.name: known
    for known in (
        KnownWeights(
            architecture=FETALCLIP,
            repository="numansaeed/fetalclip-model",
            filename="FetalCLIP_weights.pt",
            licence="CC BY-NC 4.0",
        ),
        KnownWeights(
            architecture=MOBILE,
            repository="numansaeed/MobileFetalCLIP",
            filename="mobile_fetal_clip_weights.pt",
            licence="CC BY-NC 4.0",
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightReport:
    """What `verify` found.

    Attributes:
        kind: the model the file fills, such as "fetalclip".
        sha256: of the file's bytes.
        parameters: numbers in the model.
        trusted: True when a digest stands beside the file and is the same, None when there is none to compare with.
    """

    path: Path
    kind: str
    version: str
    sha256: str
    parameters: int
    trusted: bool | None


def list_weights() -> tuple[KnownWeights, ...]:
    """The known weights, by name; whether they are here is theirs to say."""
    return tuple(KNOWN[name] for name in sorted(KNOWN))


def find(weights: str | Path) -> Path:
    """A path, a known name ("fetalclip") or a hub repository of a known one -> the file on this machine.

    Raises:
        ModelError: the weights are known but were not pulled, or there is neither such a file nor such a name.
    """
    for known in KNOWN.values():
        if str(weights) in (known.name, known.repository):
            if not known.is_here:
                raise ModelError(
                    f"the weights {str(weights)!r} are not here ({known.path}): "
                    f"fetch them with 'fetalstream weights pull {known.name}', or give the path of a file"
                )
            return known.path
    path = Path(weights).expanduser()
    if not path.exists():
        raise ModelError(f"weights are a file or one of {', '.join(sorted(KNOWN))}, not {str(weights)!r}")
    return path


def verify(path: Path) -> WeightReport:
    """Says which model a file fills: those of the hub, the compact one, or SonoNet16.

    Raises:
        ModelError: one line: the file is damaged, has changed since it was first trusted, or fits no known model (then
            the line speaks of the nearest).
    """
    sha256 = sha256_of(path)
    check_trust(path, sha256)
    if is_compact(path):
        return _report(path, "compact", FORMAT_VERSION, read_compact(path).module, sha256)
    if is_sononet(path):
        return _report(path, "sononet", "1", read_network(path), sha256)
    misfits: list[MisfitError] = []
    for known in KNOWN.values():
        architecture = known.architecture
        try:
            return _report(path, architecture.kind, architecture.version, architecture.fill(path), sha256)
        except MisfitError as error:
            misfits.append(error)
    raise min(misfits, key=lambda misfit: misfit.keys)


def pull(
    weights: str | KnownWeights,
    *,
    accept_licence: bool,
    progress: Progress | None = None,
    endpoint: str | None = None,
) -> WeightReport:
    """Fetches known weights from the hub, checks that they fit, and trusts them on first use.

    Weights that are here already are checked and not fetched again. An interrupted download goes on where it stopped.

    Args:
        weights: a name from `list_weights`, or weights that are not in it.
        accept_licence: that the user has seen the licence and accepts it.
        progress: told how far the download is.
        endpoint: a mirror of the hub.

    Raises:
        ModelError: one line: unknown name, licence not accepted, no network, or the file does not fit.
    """
    known = weights if isinstance(weights, KnownWeights) else _known(weights)
    if not accept_licence:
        raise ModelError(
            f"the weights {known.name!r} ({known.repository}) are under {known.licence}, which forbids commercial use: "
            "they are fetched only once that is accepted"
        )
    if not known.is_here:
        incoming = _fetch(known, known.path.parent / "incoming", progress, endpoint)
        sha256 = sha256_of(incoming)
        known.architecture.fill(incoming)
        check_trust(known.path, sha256)
        incoming.replace(known.path)
        trust(known.path, sha256)
    sha256 = sha256_of(known.path)
    check_trust(known.path, sha256)
    architecture = known.architecture
    return _report(known.path, architecture.kind, architecture.version, architecture.fill(known.path), sha256)


def _known(name: str) -> KnownWeights:
    if name not in KNOWN:
        raise ModelError(f"there are no weights {name!r}; known are {', '.join(sorted(KNOWN))}")
    return KNOWN[name]


def _report(path: Path, kind: str, version: str, model: nn.Module, sha256: str) -> WeightReport:
    return WeightReport(
        path=path,
        kind=kind,
        version=version,
        sha256=sha256,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        trusted=True if trusted_sha256(path) else None,
    )


def _fetch(known: KnownWeights, folder: Path, progress: Progress | None, endpoint: str | None) -> Path:
    where = f"{known.filename} of {known.repository}"
    try:
        # asked once, without the download's minute of retries: without a network the user knows at once
        url = hf_hub_url(known.repository, known.filename, endpoint=endpoint)
        total = get_hf_file_metadata(url, endpoint=endpoint).size
        told = _tell(progress, total) if progress else None
        path = hf_hub_download(known.repository, known.filename, local_dir=folder, endpoint=endpoint, tqdm_class=told)
    except GatedRepoError as error:
        raise ModelError(f"{where} is gated: ask for access on the hub, then log in with 'hf auth login'") from error
    except (RepositoryNotFoundError, RemoteEntryNotFoundError) as error:
        raise ModelError(f"{where} is not on the hub") from error
    except Exception as error:  # what the hub raises for a broken line has changed with each of its HTTP libraries
        raise ModelError(f"{where} cannot be fetched: {' '.join(str(error).split())[:200]}") from error
    return Path(path)


def _tell(progress: Progress, total: int | None) -> type[tqdm]:
    """A progress bar that draws nothing and tells ``progress`` instead.

    The hub draws one bar per pass over the file; what is told is the one that is furthest, and never falls.
    """
    furthest = 0

    class Told(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})
            self._here = int(options.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            nonlocal furthest
            self._here += int(n or 0)
            if self._here > furthest:
                furthest = self._here
                progress(furthest, total)
            return super().update(n)

    return Told
