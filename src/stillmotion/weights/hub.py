"""What a Hub repository holds at a commit, asked through huggingface_hub; the bytes are ``transfer``'s
matter.

Only file names that can be loaded safely are ever asked for: no code, nothing outside its folder, and no
pickle but the one that a judge's source names, which is converted and never loaded.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stillmotion.errors import StillmotionError
from stillmotion.libraries import one_line
from stillmotion.parts import Source
from stillmotion.weights.judges import PickledSource
from stillmotion.weights.safety import CODE, PICKLES
from stillmotion.weights.transfer import Remote

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

USEFUL = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""What is fetched where a source names no files: weights, configurations, tokenizers."""
NEVER = (*PICKLES, *CODE, ".gguf", ".onnx", ".tflite", ".zip", ".tar", ".gz")
HOSTS = (".huggingface.co", ".hf.co")
"""Hosts besides the endpoint that the Hub's file addresses redirect to."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its path there, its size in bytes, "sha256:HEX" or "git:HEX", its address."""

    name: str
    size: int
    digest: str | None
    url: str


@dataclass(frozen=True)
class Listing:
    """The wanted files of a repository at one commit."""

    commit: str
    files: tuple[HubFile, ...]


def list_files(source: Source, commit: str | None) -> Listing:
    """Ask the Hub what ``source`` consists of at ``commit`` (None: now).

    Raises StillmotionError in one line: unreachable, offline, gone, gated, or without the wanted files.
    """
    from huggingface_hub import HfApi, hf_hub_url

    if source.repo is None:
        raise ValueError(f"{source.name} has no Hub repository")
    repo, endpoint = source.repo, endpoint_address()
    info = _ask(repo, lambda: HfApi(endpoint=endpoint).model_info(repo, revision=commit, files_metadata=True))
    found = str(info.sha)
    files = []
    pickle = source.pickle if isinstance(source, PickledSource) else ""
    for sibling in info.siblings or ():
        if not wanted(sibling.rfilename, source.files, pickle):
            continue
        digest = f"git:{sibling.blob_id}" if sibling.blob_id else None
        if sibling.lfs is not None:
            digest = f"sha256:{sibling.lfs.sha256}"
        url = hf_hub_url(repo, sibling.rfilename, revision=found, endpoint=endpoint)
        files.append(HubFile(sibling.rfilename, int(sibling.size or 0), digest, url))
    if not files:
        raise StillmotionError(f"{repo}: holds no file that {source.name} needs at {found[:12]}")
    if source.sha256 is not None and len(files) == 1:
        files = [HubFile(files[0].name, files[0].size, f"sha256:{source.sha256}", files[0].url)]
    return Listing(found, tuple(sorted(files, key=lambda file: file.name)))


def wanted(name: str, patterns: tuple[str, ...], pickle: str = "") -> bool:
    """Whether a repository's file is fetched: matched, harmless by its kind or the one ``pickle`` that is
    converted, and inside its folder.
    """
    path = PurePosixPath(name)
    inside = not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name
    hidden = any(part.startswith(".") for part in path.parts)
    harmless = not path.name.lower().endswith(NEVER) or name == pickle
    return inside and not hidden and harmless and any(fnmatchcase(name, p) for p in patterns or USEFUL)


def remote(file: HubFile) -> Remote:
    """The file's address with the user's Hub token, if there is one."""
    from huggingface_hub import get_token

    token = get_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Remote(file.url, file.size, file.digest, HOSTS, headers)


def endpoint_address() -> str:
    """The Hub's address: huggingface.co, or the mirror that the user's HF_ENDPOINT names."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def _ask(repo: str, question: Callable[[], ModelInfo]) -> ModelInfo:
    """Run one request of huggingface_hub; its many errors become one line each."""
    from huggingface_hub import errors

    host = urlsplit(endpoint_address()).hostname
    try:
        return question()
    except errors.OfflineModeIsEnabled:
        message = "HF_HUB_OFFLINE is set, so nothing is downloaded; unset it and try again"
    except errors.GatedRepoError:
        message = f"asks you to accept its terms first: https://{host}/{repo}, then: hf auth login"
    except errors.RevisionNotFoundError:
        message = f"the pinned commit is not on {host} any more; a newer stillmotion may name another"
    except errors.RepositoryNotFoundError:
        message = f"not found on {host}; it was removed or needs: hf auth login"
    except errors.HfHubHTTPError as error:
        message = f"{host} answers {error.response.status_code}; try again later"
    except (OSError, RuntimeError) as error:
        message = _unreachable(host, error)
    except Exception as error:
        # huggingface_hub passes its HTTP client's transport errors through, and their classes are no OSError
        if type(error).__module__.partition(".")[0] not in ("httpx", "httpx2", "httpcore", "httpcore2"):
            raise
        message = _unreachable(host, error)
    raise StillmotionError(f"{repo}: {message}") from None


def _unreachable(host: str | None, error: Exception) -> str:
    reason = one_line(error, 120)
    return f"{host} cannot be reached ({reason}); check the network and repeat the command"
