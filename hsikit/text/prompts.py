"""Class prompts: sentences per class, kept in YAML files beside this module, one file a scene.

A file names its scene, some templates, and for each class a name, what is said aloud for it (``spoken``, when
the name is a code such as "Corn-notill"), sentences on ``place``, ``colour_and_spectrum`` and
``height_and_texture``, and where wanted numbered ``paraphrases`` and held-out ``synonyms``::

    scene: my_site
    templates: ["a photo of {name} from above"]
    classes:
      - name: water
        place: a pond behind the farm
        colour_and_spectrum: dark blue, black in the near infrared
        height_and_texture: flat and smooth
        synonyms: [lake, pond]
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from hsikit._util import contents, load_yaml
from hsikit._util.errors import HsikitError, door
from hsikit.scenes.envi import decoded
from hsikit.scenes.scene import Scene
from hsikit.scenes.yaml_file import named, read_yaml

DESCRIPTIVE = ("place", "colour_and_spectrum", "height_and_texture")
_FILE_KEYS = ("scene", "templates", "classes")
_CLASS_KEYS = ("name", "spoken", *DESCRIPTIVE, "paraphrases", "synonyms")
_SAME_WORDS = {"muufl_subset": "muufl"} | {  # scenes that share another scene's classes
    f"indian_pines_{cube}": "indian_pines" for cube in ("repaired", "original", "bands_left_out", "median")
}
_FOLDER = Path(__file__).parents[1] / "prompts"


class TextError(HsikitError, ValueError):
    """Prompts or a text encoder are not what was expected. The message names what to change."""


@dataclass(frozen=True)
class ClassPrompts:
    """Sentences for each class of a scene, by kind.

    Attributes:
        scene: Name of the scene the words were written for.
        class_names: C names, in the order of the scene's labels.
        sentences: kind -> C tuples of sentences (a class may have none of a kind). Kinds: ``name``,
            ``template``, ``place``, ``colour_and_spectrum``, ``height_and_texture``,
            ``paraphrase_1`` and so on, ``synonyms`` (other names, for testing only).
    """

    scene: str
    class_names: tuple[str, ...]
    sentences: Mapping[str, tuple[tuple[str, ...], ...]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What `select` accepts."""
        return ("descriptive", *self.sentences)

    @cached_property
    def hash(self) -> str:
        """Sixteen hex digits of the sha256 of all names and sentences: comments and layout do not count."""
        content = [self.scene, self.class_names, {k: self.sentences[k] for k in sorted(self.sentences)}]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def select(self, kind: str = "descriptive") -> list[list[str]]:
        """Sentences of one kind, a list for each class; "descriptive" joins place, colour and height.

        Raises `TextError` when the kind is unknown, or a class has no sentence of it.
        """
        if kind not in self.kinds:
            raise TextError(f"no prompts of kind {kind!r} for {self.scene}{_nearest(kind, self.kinds)}")
        parts = [self.sentences[k] for k in (DESCRIPTIVE if kind == "descriptive" else (kind,))]
        chosen = [[s for part in parts for s in part[c]] for c in range(len(self.class_names))]
        if missing := [name for name, own in zip(self.class_names, chosen) if not own]:
            raise TextError(f"{self.scene}: no prompt of kind {kind!r} for {missing}; write one or choose another kind")
        return chosen

    def only(self, class_names: Sequence[str]) -> ClassPrompts:
        """The same words for some of the classes, in the order given.

        Raises `TextError` when a name has no prompts here.
        """
        for name in class_names:
            if name not in self.class_names:
                raise TextError(f"{self.scene} has no prompts for {name!r}{_nearest(name, self.class_names)}")
        where = [self.class_names.index(name) for name in class_names]
        kept = {kind: tuple(own[i] for i in where) for kind, own in self.sentences.items()}
        return replace(self, class_names=tuple(class_names), sentences=kept)

    def edited(self, class_name: str, sentences: Sequence[str]) -> ClassPrompts:
        """A copy whose descriptive sentences for one class are replaced by those given."""
        self.only([class_name])  # names the nearest class where this one is unknown
        new = _sentences(list(sentences), f"{self.scene}, {class_name!r}")
        if not new:
            raise TextError(f"{self.scene}: {class_name!r} needs at least one sentence")
        i = self.class_names.index(class_name)
        changed = dict(self.sentences)
        for kind in DESCRIPTIVE:
            own = new if kind == DESCRIPTIVE[0] else ()
            changed[kind] = (*changed[kind][:i], own, *changed[kind][i + 1 :])
        return replace(self, sentences=changed)


def available_prompts() -> list[str]:
    """Names that `load_prompts` knows without a path."""
    return sorted([p.stem for p in _FOLDER.glob("*.yaml")] + list(_SAME_WORDS))


@door
def load_prompts(name_or_path: str | Path) -> ClassPrompts:
    """Read the prompts of a scene, by its name, from a YAML file of your own, or from the one that a site's YAML names.

    Raises:
        TextError: When there is no such file, a site's YAML names none, or it holds unknown keys, an empty prompt, a
            class twice or a class without a prompt.

    Example:
        >>> prompts = hsikit.load_prompts("trento")
        >>> prompts.class_names[0], prompts.select("name")[0]
        ('apple trees', ['apple trees'])
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        name = str(name_or_path)
        path = _FOLDER / f"{_SAME_WORDS.get(name, name)}.yaml"
        if not path.exists():
            raise TextError(
                f"no prompts called {name!r}{_nearest(name, available_prompts())}; or give the path of a .yaml file"
            )
    try:
        path = _of_site(path)
        return _parsed(decoded(contents(path)), str(path))
    except OSError as error:
        raise TextError(f"cannot read the prompts {path}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TextError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None


def source_of(scene: Scene) -> str | Path:
    """What `load_prompts` takes for a scene: the YAML file it was read from, or its name."""
    own = next(iter(scene.files), None)
    return own if own is not None and own.suffix.lower() in (".yaml", ".yml") else scene.name


def _of_site(path: Path) -> Path:
    """The prompt file that a site's YAML names under `prompts`; any other file is one itself."""
    text = decoded(contents(path))
    if not any(line.startswith("hsi:") for line in text.splitlines()):
        return path
    own = read_yaml(path).get("prompts")
    if own is None:
        raise TextError(f"{path} names no prompts; add `prompts: my_prompts.yaml` with sentences for each class")
    return named(path, own, "prompts").path


@lru_cache(32)  # a config of many seeds reads the same file for each
def _parsed(text: str, source: str) -> ClassPrompts:
    return prompts_from(load_yaml(text), source)


def prompts_from(data: Any, source: str = "prompts") -> ClassPrompts:
    """Prompts from a mapping laid out as a prompt file; `source` names it in errors."""
    if not isinstance(data, Mapping):
        raise TextError(f"{source}: expected the keys {list(_FILE_KEYS)}, found {type(data).__name__}")
    _known(data, _FILE_KEYS, source)
    entries = data.get("classes")
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        raise TextError(f"{source}: 'classes' must be a list with at least one class")
    templates = _templates(data.get("templates"), source)
    classes = [_read_class(entry, i, templates, source) for i, entry in enumerate(entries, start=1)]
    names = [name for name, _ in classes]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise TextError(f"{source}: classes appear twice: {twice}; give each class one entry")
    kinds: dict[str, None] = {k: None for _, own in classes for k in own}  # a set that keeps its order
    sentences = {k: tuple(own.get(k, ()) for _, own in classes) for k in kinds}
    return ClassPrompts(str(data.get("scene", source)), tuple(names), sentences)


def _read_class(entry: Any, position: int, templates: tuple[str, ...], source: str):
    """Name of one class and its sentences by kind."""
    where = f"{source}, class {position}"
    if not isinstance(entry, Mapping) or not str(entry.get("name") or "").strip():
        raise TextError(f"{where}: has no name; write '- name: ...'")
    name = str(entry["name"]).strip()
    where = f"{source}, class {name!r}"
    _known(entry, _CLASS_KEYS, where)
    own = {kind: _sentences(entry.get(kind), f"{where}, {kind}") for kind in DESCRIPTIVE}
    if not any(own.values()):
        raise TextError(f"{where}: has no prompt; write at least one of {list(DESCRIPTIVE)}")
    spoken = _sentences(entry.get("spoken", name), f"{where}, spoken")
    own = {"name": spoken, "template": tuple(t.replace("{name}", spoken[0]) for t in templates), **own}
    for number, sentence in enumerate(_sentences(entry.get("paraphrases"), f"{where}, paraphrases"), start=1):
        own[f"paraphrase_{number}"] = (sentence,)
    own["synonyms"] = _sentences(entry.get("synonyms"), f"{where}, synonyms")
    return name, own


def _templates(value: Any, source: str) -> tuple[str, ...]:
    templates = _sentences(value, f"{source}, templates") or ("a photo of {name} from above",)
    for template in templates:
        if "{name}" not in template:
            raise TextError(f"{source}: the template {template!r} lacks {{name}}, the place of the class name")
    return templates


def _sentences(value: Any, where: str) -> tuple[str, ...]:
    """One sentence or a list of them, stripped; nothing gives an empty tuple."""
    if value is None:
        return ()
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, Sequence) or not all(isinstance(s, str) for s in found):
        raise TextError(f"{where}: expected a sentence or a list of sentences, found {value!r}; quote it")
    if any(not s.strip() for s in found):
        raise TextError(f"{where}: a prompt is empty; write a sentence or remove it")
    return tuple(" ".join(s.split()) for s in found)


def _known(given: Mapping[str, Any], expected: Sequence[str], where: str) -> None:
    for key in given:
        if key not in expected:
            raise TextError(f"{where}: unknown key {key!r}{_nearest(str(key), expected)}")


def _nearest(given: str, known: Sequence[str]) -> str:
    near = get_close_matches(given, known, n=1, cutoff=0.4)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {list(known)}"
