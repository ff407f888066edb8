"""Text encoders and class vectors: the real MiniLM, a real (tiny) open_clip model, and files of vectors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hsikit
from hsikit.text import (
    TextEncoder,
    TextError,
    TextVectors,
    encode_classes,
    encoders,
    load_prompts,
    load_text_encoder,
    random_vectors,
)
from hsikit.text.prompts import available_prompts, prompts_from

HSIKIT_DATA = os.environ.get("HSIKIT_DATA")
TINY = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 8, "layers": 1, "width": 16, "head_width": 8, "patch_size": 4},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HSIKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "text"


@pytest.fixture(scope="module")
def minilm() -> TextEncoder:
    return load_text_encoder("minilm", cache=False)


# --- class vectors ---------------------------------------------------------------------------------


@given(classes=st.integers(2, 12), seed=st.integers(0, 10_000))
def test_permuted_is_a_derangement(classes: int, seed: int) -> None:
    names = [f"class {i}" for i in range(classes)]
    drawn = random_vectors(names, 8, seed=1)
    text = TextVectors(drawn.vectors, tuple(names), "MiniLM", "hash", tuple((n,) for n in names))
    shuffled = text.permuted(seed)
    came_from = (shuffled.vectors @ text.vectors.T).argmax(1)
    assert sorted(came_from) == list(range(classes))
    assert (came_from != np.arange(classes)).all()
    assert shuffled.prompts == tuple(text.prompts[i] for i in came_from)
    assert (shuffled.class_names, shuffled.encoder) == (text.class_names, "MiniLM, shuffled")
    np.testing.assert_array_equal(shuffled.vectors, text.permuted(seed).vectors)


def test_permuting_one_class_is_refused() -> None:
    with pytest.raises(TextError, match="at least two"):
        random_vectors(["a"], 4, 0).permuted(0)


def test_random_vectors_are_seeded_unit_and_without_direction() -> None:
    text = random_vectors([str(i) for i in range(400)], 64, seed=3)
    assert text.vectors.shape == (400, 64)
    assert text.vectors.dtype == np.float32
    assert text.encoder == "random"
    np.testing.assert_allclose(np.linalg.norm(text.vectors, axis=1), 1, atol=1e-6)
    assert np.linalg.norm(text.vectors.mean(0)) < 3 / np.sqrt(400)  # expected 1 / sqrt(n)
    np.testing.assert_array_equal(text.vectors, random_vectors(text.class_names, 64, seed=3).vectors)
    assert not np.array_equal(text.vectors, random_vectors(text.class_names, 64, seed=4).vectors)


def test_vectors_survive_the_disk(tmp_path: Path) -> None:
    text = TextVectors(np.eye(2, 3), ("väg", "b"), "MiniLM", "abc", (("one", "two"), ("three",)))
    text.save(tmp_path / "text.npz")
    back = TextVectors.load(tmp_path / "text.npz")
    np.testing.assert_array_equal(back.vectors, text.vectors)
    for field in ("class_names", "encoder", "prompt_hash", "prompts"):
        assert getattr(back, field) == getattr(text, field)
    assert [p.name for p in tmp_path.iterdir()] == ["text.npz"]
    (tmp_path / "text.npz").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(TextError, match="cannot read text vectors"):
        TextVectors.load(tmp_path / "text.npz")


@pytest.mark.parametrize(
    ("vectors", "names", "message"),
    [
        (np.eye(3), ("a", "b"), "2 classes, dim"),
        (np.ones(3), ("a",), "1 classes, dim"),
        (np.ones((2, 3)), ("a", "b"), "length 1"),
        (np.full((2, 3), np.nan), ("a", "b"), "finite"),
    ],
)
def test_bad_class_vectors_are_refused(vectors: np.ndarray, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(TextError, match=message):
        TextVectors(vectors, names, "MiniLM")


# --- MiniLM ----------------------------------------------------------------------------------------


def test_minilm_knows_what_words_mean(minilm: TextEncoder) -> None:
    roof, house, water = minilm.encode(["a red roof", "the roof of a house", "deep water"])
    assert minilm.name == "MiniLM"
    assert roof.shape == (384,)
    assert roof @ house > roof @ water + 0.2


def test_minilm_equals_a_padded_batch_with_masked_mean(minilm: TextEncoder) -> None:
    """The published recipe, written out: pad, mask, mean over tokens, L2 norm."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    folder = encoders._minilm_folder()
    prompts = ["roads", "a wide field of short green grass, level and bright", "Trees; shade."]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()
    rows = tokenizer.encode_batch(prompts)
    ids, mask = (torch.tensor([getattr(r, key) for r in rows]) for key in ("ids", "attention_mask"))
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        tokens = model(input_ids=ids, attention_mask=mask).last_hidden_state  # (prompt, token, dim)
    mean = (tokens * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    slow = torch.nn.functional.normalize(mean, dim=1).numpy()
    np.testing.assert_allclose(minilm.encode(prompts), slow, atol=2e-6)


def test_a_vector_does_not_depend_on_company_or_threads(minilm: TextEncoder) -> None:
    import torch

    prompts = ["roads", "a much longer sentence about tall trees and their shade", "roads"]
    together = minilm.encode(prompts)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        np.testing.assert_array_equal(together, np.concatenate([minilm.encode([p]) for p in prompts]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_loading_leaves_the_callers_random_state_alone() -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_text_encoder("minilm", cache=False).encode(["a road"])
    assert torch.equal(torch.rand(3), expected)


def test_tampered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "model"
    shutil.copytree(encoders._minilm_folder(), copy)
    monkeypatch.setattr(encoders, "_minilm_folder", lambda: copy)
    load_text_encoder("minilm")  # an honest copy passes
    with (copy / "model.safetensors").open("r+b") as handle:
        handle.seek(1_000_000)
        handle.write(b"\x00\x01\x02\x03")
    with pytest.raises(TextError, match=r"has sha256 .* expected 53aa51172d14.*; reinstall it"):
        load_text_encoder("minilm")
    (copy / "model.safetensors").unlink()
    with pytest.raises(TextError, match=r"cannot read .*model\.safetensors"):
        load_text_encoder("minilm")


def test_long_and_empty_prompts_are_named(minilm: TextEncoder) -> None:
    assert minilm.encode(["tree " * 254]).shape == (1, 384)  # 254 words and two marks: just fits
    with pytest.raises(TextError, match=r"has 257 tokens, MiniLM reads 256; shorten it: 'tree tree"):
        minilm.encode(["a road", "tree " * 255])
    with pytest.raises(TextError, match="prompt 1 of 2 is empty"):
        minilm.encode(["a road", "  "])
    with pytest.raises(TextError, match="at least one prompt"):
        minilm.encode([])
    with pytest.raises(TextError, match="expected a list"):
        minilm.encode("a road")


@pytest.mark.parametrize("scene", available_prompts())
def test_every_shipped_prompt_is_short(scene: str) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(encoders._minilm_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    prompts = load_prompts(scene)
    every = [s for kind in prompts.sentences.values() for own in kind for s in own]
    longest = max(every, key=lambda s: len(tokenizer.encode(s).ids))
    assert len(tokenizer.encode(longest).ids) < 40, longest  # far below MiniLM's 256 and CLIP's 77


def test_class_vectors_are_means_renormalised(minilm: TextEncoder) -> None:
    prompts = load_prompts("trento")
    text = encode_classes(minilm, prompts)
    assert (text.class_names, text.encoder, text.prompt_hash) == (prompts.class_names, "MiniLM", prompts.hash)
    for vector, own, kept in zip(text.vectors, prompts.select(), text.prompts):
        mean = minilm.encode(own).astype(np.float64).mean(0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
        assert list(kept) == own
    names = encode_classes(minilm, prompts, "name")
    np.testing.assert_array_equal(names.vectors, minilm.encode([own[0] for own in prompts.select("name")]))


# --- cache -----------------------------------------------------------------------------------------


def test_cached_vectors_are_the_same_bits_and_need_no_network(
    minilm: TextEncoder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = ["a road", "tall trees"]
    first = load_text_encoder("minilm").encode(prompts)
    np.testing.assert_array_equal(first, minilm.encode(prompts))
    assert len(list(cache.rglob("*.npy"))) == 2 == len([p for p in cache.rglob("*") if p.is_file()])

    def refuse(folder: Path) -> None:
        raise AssertionError("the network was loaded")

    monkeypatch.setattr(encoders, "_load_minilm", refuse)
    np.testing.assert_array_equal(load_text_encoder("minilm").encode(prompts), first)
    with pytest.raises(AssertionError, match="the network was loaded"):
        load_text_encoder("minilm").encode(["water"])


def stub(hash_: str, value: list[float]) -> encoders.Backend:
    return encoders.Backend("stub", hash_, lambda: lambda prompt: np.array(value, np.float32))


def test_other_weights_have_their_own_vectors(tmp_path: Path) -> None:
    one = TextEncoder(stub("a" * 64, [3, 4]), tmp_path)
    two = TextEncoder(stub("b" * 64, [0, 2]), tmp_path)
    np.testing.assert_allclose(one.encode(["x"]), [[0.6, 0.8]], atol=1e-7)
    np.testing.assert_array_equal(two.encode(["x"]), [[0, 1]])


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY broken", None])
def test_a_damaged_cache_entry_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    encoder = TextEncoder(stub("a" * 64, [3, 4]), tmp_path)
    expected = encoder.encode(["x"])
    (entry,) = tmp_path.rglob("*.npy")
    if damage is None:
        np.save(entry, np.array([np.nan, 1], np.float32))
    else:
        entry.write_bytes(damage)
    np.testing.assert_array_equal(encoder.encode(["x"]), expected)
    np.testing.assert_array_equal(np.load(entry), expected[0])


def test_an_unwritable_cache_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "a_file"
    blocked.write_text("in the way")
    encoder = TextEncoder(stub("a" * 64, [3, 4]), blocked)
    np.testing.assert_allclose(encoder.encode(["x"]), [[0.6, 0.8]], atol=1e-7)
    assert blocked.read_text() == "in the way"


# --- open_clip -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    """A tiny CLIP of open_clip's own making, saved to disk; returns the checkpoint and the network."""
    from hsikit.text.encoders import repair

    repair()
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("clip")
    (folder / "hsikit-tiny.json").write_text(json.dumps(TINY))
    (folder / "hsikit-wider.json").write_text(json.dumps({**TINY, "embed_dim": 32}))
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    network = open_clip.create_model("hsikit-tiny").eval()
    save_file(network.state_dict(), folder / "tiny.safetensors")
    return folder / "tiny.safetensors", network


def test_openclip_checkpoint_saved_and_loaded_back(tiny_clip: tuple[Path, object]) -> None:
    import open_clip
    import torch

    path, network = tiny_clip
    prompts = ["a photo of trees", "a wide grey road!", "water"]
    encoder = load_text_encoder("openclip", model="hsikit-tiny", pretrained=path)
    found = encoder.encode(prompts)
    with torch.no_grad():
        slow = network.encode_text(open_clip.get_tokenizer("hsikit-tiny")(prompts), normalize=True).numpy()
    assert found.shape == (3, 24)
    np.testing.assert_allclose(found, slow, atol=2e-6)
    np.testing.assert_array_equal(
        found, load_text_encoder("openclip", model="hsikit-tiny", pretrained=path).encode(prompts)
    )
    assert encoder.name == "CLIP hsikit-tiny tiny"


def test_a_config_names_the_model_of_a_checkpoint_and_shipped_ones_say_what_they_lack(
    tiny_clip: tuple[Path, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from hsikit.experiments import Store, expand, load_config, sweep
    from hsikit.experiments.worded import class_vectors

    text = {"backend": "openclip", "model": "hsikit-tiny", "path": str(tiny_clip[0]), "prompts": "name"}
    plain = {"method": "mmlgnet", "scene": "simulated", "split": {"kind": "random", "train": 0.03}}
    experiment, scene = expand({**plain, "text": text})[0], hsikit.load_scene("simulated")
    assert experiment.hash != expand({**plain, "text": {**text, "model": "ViT-B-32"}})[0].hash
    vectors = class_vectors(experiment, scene)
    encoder = load_text_encoder("openclip", model="hsikit-tiny", pretrained=tiny_clip[0])
    np.testing.assert_array_equal(vectors.vectors, encode_classes(encoder, load_prompts("simulated"), "name").vectors)
    monkeypatch.setenv("HSIKIT_DATA", str(tmp_path))  # no checkpoint there
    for config, file in (("mmlgnet_remoteclip", "RemoteCLIP-ViT-B-32.pt"), ("mmlgnet_georsclip", "RS5M_ViT-B-32.pt")):
        first = {**load_config(config)["arms"][0], **plain, "seeds": [0]}
        failed = sweep(expand(first), Store(tmp_path / "runs", tmp_path / "ledger.jsonl")).failures
        assert f"{file}': no such file" in failed[0].reason


def test_openclip_prompt_too_long(tiny_clip: tuple[Path, object]) -> None:
    encoder = load_text_encoder("openclip", cache=False, model="hsikit-tiny", pretrained=tiny_clip[0])
    assert encoder.encode(["tree " * 14]).shape == (1, 24)  # fourteen words and two marks: just fits
    with pytest.raises(TextError, match="has 17 tokens, hsikit-tiny reads 16"):
        encoder.encode(["tree " * 15])
    with pytest.raises(TextError, match="reads 16"):
        encoder.encode(["tree " * 500])


def test_openclip_checkpoint_of_another_architecture(tiny_clip: tuple[Path, object]) -> None:
    encoder = load_text_encoder("openclip", cache=False, model="hsikit-wider", pretrained=tiny_clip[0])
    with pytest.raises(TextError, match="does not fit the architecture hsikit-wider") as caught:
        encoder.encode(["a tree"])
    assert "\n" not in str(caught.value)


def test_openclip_missing_checkpoint_fails_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    known = huggingface_hub.try_to_load_from_cache  # an empty cache, as on a machine without the file
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda r, f: known(r, f, cache_dir=tmp_path / "hub"))
    started = time.perf_counter()
    with pytest.raises(
        TextError, match=r"ViT-B-32 'openai' is not .*hf download timm/vit_base_patch32_clip_224.openai"
    ):
        load_text_encoder("openclip")
    with pytest.raises(TextError, match="ViT-L-14 'laion2b_s32b_b82k' is not on this machine"):
        load_text_encoder("openclip", model="ViT-L-14", pretrained="laion2b_s32b_b82k")
    assert time.perf_counter() - started < 10


def test_openclip_unknown_names() -> None:
    with pytest.raises(TextError, match=r"no model 'ViT-B-23'; nearest are \['ViT-B-32"):
        load_text_encoder("openclip", model="ViT-B-23")
    with pytest.raises(TextError, match="no checkpoint 'opnai': no such file, and its tags are"):
        load_text_encoder("openclip", pretrained="opnai")


# --- files of vectors ------------------------------------------------------------------------------


def test_file_round_trip(minilm: TextEncoder, tmp_path: Path, cache: Path) -> None:
    words = ["a pond", "the shore"]
    np.savez(tmp_path / "mine.npz", prompts=np.array(words), vectors=minilm.encode(words))
    encoder = load_text_encoder("file", path=tmp_path / "mine.npz")
    np.testing.assert_allclose(encoder.encode(words[::-1]), minilm.encode(words[::-1]), atol=1e-7)
    assert encoder.name == "mine file"
    assert not cache.exists()
    prompts = prompts_from({"classes": [{"name": n, "place": n} for n in words]})
    assert encode_classes(encoder, prompts).vectors.shape == (2, 384)
    with pytest.raises(TextError, match=r"no vector for 'the shores'; the nearest of its 2 prompts is 'the shore'"):
        encoder.encode(["the shores"])


@pytest.mark.parametrize(
    ("prompts", "vectors", "message"),
    [
        (["a", "b"], np.eye(3), r"vectors are \(3, 3\) for \(2,\) prompts"),
        (["a", "b"], np.ones(2), r"vectors are \(2,\)"),
        (["a", "b"], np.array([[1.0, 0], [0, 2]]), r"vector of 'b' has length 2, expected 1"),
        (["a", "b"], np.array([[1.0, 0], [np.nan, 1]]), r"1 vectors hold NaN"),
        ([1, 2], np.eye(2), r"expected strings"),
        (["a", "b"], np.eye(2, dtype=int), r"expected strings and floats"),
    ],
)
def test_bad_vectors_in_a_file(tmp_path: Path, prompts: list, vectors: np.ndarray, message: str) -> None:
    np.savez(tmp_path / "bad.npz", prompts=np.array(prompts), vectors=vectors)
    with pytest.raises(TextError, match=message):
        load_text_encoder("file", path=tmp_path / "bad.npz")


def test_files_that_are_no_files_of_vectors(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    with pytest.raises(TextError, match="cannot read text vectors"):
        load_text_encoder("file", path=path)
    for content in (b"", b"hello", b"PK\x03\x04 cut"):
        path.write_bytes(content)
        with pytest.raises(TextError, match="cannot read text vectors"):
            load_text_encoder("file", path=path)
    np.savez(path, words=np.array(["a"]))
    with pytest.raises(TextError, match="expected the arrays 'prompts' and 'vectors'"):
        load_text_encoder("file", path=path)
    np.savez(path, prompts=np.array(["a", None], object), vectors=np.eye(2))
    with pytest.raises(TextError, match="cannot read text vectors"):
        load_text_encoder("file", path=path)


@pytest.mark.skipif(HSIKIT_DATA is None, reason="HSIKIT_DATA is not set: the published CLIP vectors are not here")
def test_real_clip_vectors() -> None:
    path = Path(HSIKIT_DATA or "", "clip_text", "ade150_clip_vitb16.npz")
    encoder = load_text_encoder("file", path=path, name="CLIP ViT-B/16 file")
    words = ["tree", "grass", "road", "building", "sidewalk"]
    vectors = encoder.encode([f"a photo of a {w}" for w in words])
    assert vectors.shape == (5, 512)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[2] @ vectors[4] > vectors[2] @ vectors[0]  # a sidewalk is nearer to a road than a tree
    with pytest.raises(TextError, match="nearest of its 150 prompts is 'a photo of a tree'"):
        encoder.encode(["a photo of a treee"])


# --- the one call, and what it must not load -------------------------------------------------------


def test_unknown_backend_and_option() -> None:
    with pytest.raises(TextError, match="no text backend 'minilmm'; did you mean 'minilm'"):
        load_text_encoder("minilmm")
    with pytest.raises(TextError, match=r"'openclip': .*'tag'; its options are \['model', 'pretrained'\]"):
        load_text_encoder("openclip", tag="openai")
    with pytest.raises(TextError, match=r"'file': missing a required argument: 'path'"):
        load_text_encoder("file")


def test_reading_words_does_not_import_torch() -> None:
    code = "import sys, hsikit.text as t; t.load_prompts('muufl'); t.load_text_encoder(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_repair_lets_torchvision_import_and_touches_nothing_sound() -> None:
    """In a process of its own: a broken torchvision imports afterwards, a sound one is left as it is."""
    code = (
        "from hsikit.text.encoders import repair\n"
        "first = repair(); again = repair()\n"
        "import torchvision, torch\n"
        "print(first == again, hasattr(torch.ops.torchvision, 'nms'), hasattr(torchvision, 'transforms'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]
