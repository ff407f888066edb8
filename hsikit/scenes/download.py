"""Fetch a published scene into the user's cache: mirrors in turn, sums checked, one writer at a time."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hsikit._util import write_text
from hsikit._util.errors import door
from hsikit.scenes import registry
from hsikit.scenes.published import SceneFacts, SceneFile, cache_root, find_whole
from hsikit.scenes.scene import SceneError

log = logging.getLogger(__name__)

TIMEOUT_S = (10.0, 30.0)  # to connect, and to wait for the next bytes
SLOWEST, SLOW_S = 1 << 10, 30.0  # bytes a second over so many seconds: below that a server is as good as silent
LONGEST_S = 12 * 3600.0  # of one file
CHUNK_BYTES = 1 << 16
PINS_FILE = "pinned_sums.json"
PINS_VERSION = 1


@door
def fetch(name: str) -> list[Path]:
    """Download what is missing of a scene and return the paths of its files.

    Files already in `HSIKIT_DATA` are left alone; the others go to the user's cache. Licence and citation are logged
    first. A file whose sum is known must match it. The sum of one that is not known is kept at its first download, once
    the scene has loaded as published, and a later change is refused. Raises `SceneError` when there is no such scene,
    no mirror gives the right file, the terms ask for placing the files by hand, or the cache cannot be written.
    """
    return fetch_files(registry.facts(name), lambda: registry.load_scene(name))


def fetch_files(facts: SceneFacts, load: Callable[[], object]) -> list[Path]:
    """As `fetch`, for the facts given; `load` raises `SceneError` when the scene is not as published."""
    if not facts.files:
        return []  # it comes with a package, or is made
    missing = [f for f in facts.files if find_whole(facts, f) is None]
    if missing and facts.manual:
        place = cache_root() / facts.folders[0]
        names = ", ".join(f.name for f in missing)
        raise SceneError(f"{facts.name}: {names} must be placed by hand in {place}. {facts.manual}")
    if missing:  # a warning, not an info: it must show also where logging was never set up
        log.warning("%s: licence: %s", facts.name, facts.licence)
        log.warning("%s: please cite: %s", facts.name, facts.citation)
    try:
        return _fetch_all(facts, load)
    except OSError as error:
        raise SceneError(
            f"{facts.name}: the cache {cache_root()} cannot be written ({error.strerror or error}); free or "
            "unlock it, or name another place with XDG_CACHE_HOME"
        ) from error


def _fetch_all(facts: SceneFacts, load: Callable[[], object]) -> list[Path]:
    from filelock import FileLock

    folder = cache_root() / facts.folders[0] if facts.folders else cache_root()
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with FileLock(folder / ".lock"):
        pins = read_pins()
        fresh: dict[str, Path] = {}
        for file in facts.files:
            try:
                path = _one_file(facts, file, folder, pins)
            except SceneError as error:
                if file.required:
                    raise
                log.warning("%s; the scene loads without it", error)
                continue
            paths.append(path)
            key = pin_key(facts, file)
            if file.sha256 is None and path.parent == folder and key not in pins:
                fresh[key] = path
        if fresh:
            _pin_after_loading(fresh, load)
    return paths


def _one_file(facts: SceneFacts, file: SceneFile, folder: Path, pins: dict[str, str]) -> Path:
    """The path of a file in hand, its sum checked where it lies in the cache, or of one downloaded now."""
    import pooch

    found = find_whole(facts, file)
    expected = file.sha256 or pins.get(pin_key(facts, file))
    if found is None:
        return _download(facts, file, folder, expected)
    if found.parent == folder and expected and pooch.file_hash(str(found)) != expected:
        raise SceneError(
            f"{facts.name}: {found} is not the file its sum stands for (sha256 {expected[:12]}...); "
            "delete it and fetch again"
        )
    return found


def _download(facts: SceneFacts, file: SceneFile, folder: Path, expected: str | None) -> Path:
    """Try each mirror, and once more those that failed on the way (a cut download goes on where it was)."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # its own messages repeat ours
    part = folder / f"{file.name}.part"
    failures: dict[str, str] = {}
    hopeless: set[str] = set()
    for url in (*file.urls, *file.urls):
        if url in hopeless:
            continue
        begun = part.exists()
        try:
            known = f"sha256:{expected}" if expected else None
            return Path(pooch.retrieve(url, known, fname=file.name, path=folder,
                                       downloader=_Resuming(part, resume=expected is not None)))  # fmt: skip
        except requests.HTTPError as error:
            failures[url] = f"status {error.response.status_code if error.response is not None else '?'}"
            hopeless.add(url)
        except requests.RequestException as error:
            failures[url] = _why(error)
        except ValueError as error:
            # pooch says so when the sum differs; anything else is not ours to swallow.
            if "hash" not in str(error).lower():
                raise
            failures[url] = "wrong sha256: " + ("the publisher changed it" if not file.sha256 else "another file")
            if not begun:  # else what was there before may have been wrong
                hopeless.add(url)
        except OSError:  # a full disk: give back what was taken
            part.unlink(missing_ok=True)
            raise
    tried = "; ".join(f"{url} ({why})" for url, why in failures.items()) or "no server is known to have it"
    raise SceneError(f"{facts.name}: {file.name} could not be had: {tried}. Put it at {folder / file.name} by hand")


def _arriving(response: Any) -> Iterator[bytes]:
    """The bytes of a response as they come, not as many as were asked for; given up where they hardly do."""
    import requests
    import urllib3

    start = mark = time.monotonic()
    came = 0
    try:
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            yield chunk
            came, now = came + len(chunk), time.monotonic()
            if now - start > LONGEST_S:
                raise requests.Timeout(f"not done after {LONGEST_S / 3600:.0f} hours")
            if now - mark > SLOW_S:
                if came < SLOWEST * (now - mark):
                    raise requests.Timeout(f"slower than {SLOWEST:,} bytes a second")
                came, mark = 0, now
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.Timeout(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error


def _why(error: Exception) -> str:
    """A failed request in a few words."""
    import requests

    given_up = str(error) if str(error).startswith(("slower than", "not done")) else "timed out"
    words = {requests.Timeout: given_up,
             requests.exceptions.InvalidSchema: "it leads to an address that is not of the web, which was not followed",
             requests.TooManyRedirects: "it leads from address to address without end",
             requests.exceptions.ChunkedEncodingError: "connection lost"}  # fmt: skip
    return next((text for kind, text in words.items() if isinstance(error, kind)), "connection lost or refused")


class _Resuming:
    """A downloader for pooch that keeps what arrived in a `.part` file and asks for the rest next time."""

    def __init__(self, part: Path, resume: bool) -> None:
        self.part = part
        self.resume = resume  # only with a known sum: it alone tells that the two pieces belong together

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        import requests
        from tqdm.auto import tqdm

        if not self.resume:
            self.part.unlink(missing_ok=True)
        have = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            if response.status_code == 416:  # nothing left to send: what is here is all, or not this file
                os.replace(self.part, output_file)
                return
            response.raise_for_status()
            if response.status_code != 206:
                have = 0
            total = have + int(response.headers.get("Content-Length", 0)) or None
            bar = tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=self.part.stem, leave=False)
            with bar, self.part.open("ab" if have else "wb") as out:
                for chunk in _arriving(response):
                    out.write(chunk)
                    bar.update(len(chunk))
        os.replace(self.part, output_file)


# --- sums kept at first download -----------------------------------------------------------------


def pin_key(facts: SceneFacts, file: SceneFile) -> str:
    """How a file is named in the list of kept sums."""
    return f"{facts.folders[0]}/{file.name}"


def read_pins() -> dict[str, str]:
    """The sums kept so far, name -> sha256.

    Raises `SceneError` when the list is damaged or another version of hsikit wrote it.
    """
    path = cache_root() / PINS_FILE
    if not path.exists():
        return {}
    try:
        held = json.loads(path.read_text())
        sums = held["sums"]
        known = held["version"] == PINS_VERSION and all(isinstance(s, str) for s in sums.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        raise SceneError(f"{path} is damaged or of another version of hsikit; delete it and fetch again")
    return dict(sums)


def _pin_after_loading(fresh: dict[str, Path], load: Callable[[], object]) -> None:
    """Keep the sums of newly downloaded files if the scene loads as published; else remove the files."""
    import pooch
    from filelock import FileLock

    try:
        load()
    except SceneError:
        for path in fresh.values():
            path.unlink(missing_ok=True)
        raise
    place = cache_root() / PINS_FILE
    with FileLock(str(place) + ".lock"):
        sums = read_pins() | {key: pooch.file_hash(str(path)) for key, path in fresh.items()}
        write_text(place, json.dumps({"version": PINS_VERSION, "sums": sums}, indent=1))
