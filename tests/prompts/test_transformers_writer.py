"""The transformers writer on a real Qwen3 of a few thousand weights that the test makes: loading,
generating, falling back.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from stillmotion.errors import CheckpointError, InputError, MissingWeightsError
from stillmotion.prompts import Brief, decouple
from stillmotion.prompts.transformers_writer import TransformersWriter
from stillmotion.prompts.writers import writer_for

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
PROMPT = "A woman in a red coat waves and turns around in a park."


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as Qwen3's: byte-level BPE tokenizer with a chat template, config, safetensors; random
    weights.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    folder = tmp_path_factory.mktemp("qwen3")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([PROMPT, "You rewrite prompts for a video model"], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    config = Qwen3Config(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=4096,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        bos_token_id=None,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder, safe_serialization=True)
    return folder


def test_nonsense_falls_back_and_says_so(checkpoint: Path) -> None:
    plan = decouple(
        PROMPT, "A man", writer=TransformersWriter(str(checkpoint), max_new_tokens=24, device="cpu")
    )
    rules = decouple(PROMPT, "A man")
    assert (plan.spatial, plan.temporal) == (rules.spatial, rules.temporal)
    assert plan.writer == f"transformers:{checkpoint}"
    assert (
        plan.fallback is not None
        and "temporal prompt by rules" in plan.fallback
        and "spatial prompt by rules" in plan.fallback
    )


def test_loaded_once_and_released(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []
    original = TransformersWriter._load
    monkeypatch.setattr(TransformersWriter, "_load", lambda self: loads.append(1) or original(self))
    writer = TransformersWriter(str(checkpoint), max_new_tokens=4, device="cpu")
    with writer:
        first = writer.write(Brief(PROMPT, "A man"))
        assert writer.write(Brief(PROMPT, "A man")) == first
        assert writer._loaded is not None
    assert len(loads) == 1 and writer._loaded is None
    writer.write(Brief(PROMPT, "A man"))
    assert len(loads) == 2 and writer._loaded is None


def test_generation_is_repeatable_and_leaves_the_random_state(checkpoint: Path) -> None:
    import torch

    with TransformersWriter(str(checkpoint), max_new_tokens=12, device="cpu") as writer:
        messages = [{"role": "user", "content": "hello"}]
        torch.manual_seed(3)
        first = writer._ask(messages)
        drawn = torch.rand(1)
        assert writer._ask(messages) == first and isinstance(first, str) and first
        torch.manual_seed(3)
        assert torch.equal(torch.rand(1), drawn)


def test_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLMOTION_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with pytest.raises(MissingWeightsError):
        decouple(PROMPT, "A man", writer="transformers:someone/not-here")
    with pytest.raises(InputError):
        decouple(PROMPT, "A man", writer="transformers:someone/not-here@abc123")


def test_damaged_and_hostile_folders(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError) as caught:
        decouple(PROMPT, "A man", writer=f"transformers:{tmp_path}")
    assert "\n" not in str(caught.value)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(CheckpointError):
        decouple(PROMPT, "A man", writer=f"transformers:{tmp_path}")


def test_names() -> None:
    assert writer_for("transformers").name == "transformers:Qwen/Qwen3-8B"
    assert writer_for("transformers:a/b@1234").name == "transformers:a/b@1234"
    assert writer_for("rules").name == "rules"
    with pytest.raises(InputError):
        writer_for("llama")
