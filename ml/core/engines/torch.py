"""Encode with PyTorch: what a GPU uses, and what full fine-tuning trains."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, nn

from ml.core import encoders
from ml.core.encode import load_tokenizer
from ml.core.engines.base import LAST, UPPER, EncoderInfo, Floats, Ints
from ml.core.errors import ConfigError, EncoderDamagedError, EncoderUnsuitableError
from ml.core.hardware import has_bf16


class TextTower(nn.Module):
    """Wrap a transformers encoder: ids and mask in, last and mean upper token states out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return last and mean upper states [batch, length, width] of ids, mask [batch, length]."""
        output = self.model(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        )
        # One more state than layers: the embeddings come first.
        layers = output.hidden_states
        upper = torch.stack(layers[(len(layers) - 1) // 2 :]).mean(dim=0)
        return output.last_hidden_state, upper

    def states(self, input_ids: Tensor, attention_mask: Tensor, layers: str) -> Tensor:
        """Return the last or the mean upper states [batch, length, width]."""
        if layers == UPPER:
            upper: Tensor = self(input_ids, attention_mask)[1]
            return upper
        output = self.model(input_ids=input_ids, attention_mask=attention_mask)
        last: Tensor = output.last_hidden_state
        return last


class TorchEngine:
    """Run a tower on one device.

    On CUDA in bfloat16 unless fp32 is wished for; on a processor so where `is_bf16` says it.
    """

    def __init__(
        self,
        tower: TextTower,
        info: EncoderInfo,
        tokenizer_file: Path,
        *,
        device: str = "cpu",
        is_bf16: bool = False,
        wish: str = "auto",
    ) -> None:
        self.info = info
        self.tokenizer_file = tokenizer_file
        self.device = torch.device(device)
        # Whole weights in bfloat16 spare a processor the cast of each of them for every batch.
        self.tower = tower.to(self.device, torch.bfloat16 if is_bf16 else None)
        self.precision = "bf16" if self.device.type == "cuda" and wish != "fp32" else "fp32"

    def states(self, ids: Ints, mask: Ints, layers: str = LAST) -> Floats:
        """Return states [batch, length, width] of the last or the mean of the upper layers."""
        self.tower.eval()
        with torch.inference_mode(), precision(self.device, self.precision):
            states = self.tower.states(
                torch.from_numpy(ids).to(self.device),
                torch.from_numpy(mask).to(self.device),
                layers,
            )
        return np.asarray(states.float().cpu().numpy(), dtype=np.float32)


def precision(device: torch.device, wish: str = "fp32") -> torch.autocast:
    """Return bfloat16 autocast on CUDA, and on a CPU where it is wished for; else a no-op.

    wish: fp32, bf16, or auto for bf16 where the device computes it in hardware.
    """
    is_wished = wish == "bf16" or (wish == "auto" and has_bf16())
    is_bf16 = is_wished or (device.type == "cuda" and wish != "fp32")
    return torch.autocast(device.type, torch.bfloat16, enabled=is_bf16)


def choose_device(wish: str) -> str:
    """Return cpu or cuda; raises ConfigError when cuda is asked for and not there."""
    has_cuda = torch.cuda.is_available()
    if wish == "cuda" and not has_cuda:
        raise ConfigError("The device cuda was asked for, and this machine has no usable GPU.")
    return "cuda" if has_cuda and wish != "cpu" else "cpu"


def load_tower(name: str) -> tuple[TextTower, EncoderInfo]:
    """Load an encoder of the catalogue in float32; never runs code that comes with a model.

    Raises EncoderDamagedError unless all its weights are there, and EncoderUnsuitableError for a
    model that is no encoder.
    """
    encoders.check(name)
    folder = encoders.obtain(name)
    transformers = _transformers()
    try:
        model, report = transformers.AutoModel.from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
            # Reported beside what is missing; alone, the library refuses it in words of its own.
            ignore_mismatched_sizes=True,
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise EncoderDamagedError.unreadable(name) from error
    if model.config.is_encoder_decoder:
        raise EncoderUnsuitableError(name, "it is made of an encoder and a decoder")
    if keys := _random_weights(report):
        raise EncoderDamagedError.misfit(name, keys)
    return TextTower(model), _info(name, folder, model.config)


def build_tower(config: dict[str, Any]) -> TextTower:
    """Build an encoder without its weights from the JSON of its transformers config."""
    transformers = _transformers()
    settings = transformers.AutoConfig.for_model(**config)
    return TextTower(transformers.AutoModel.from_config(settings))


def tower_config(tower: TextTower) -> dict[str, Any]:
    """Return the JSON from which build_tower makes the same architecture."""
    settings: Any = tower.model.config
    config: dict[str, Any] = json.loads(settings.to_json_string(use_diff=False))
    return config


def save_tokenizer(name: str, target: Path) -> None:
    """Write the fast tokenizer of an encoder as one tokenizer.json.

    Raises EncoderDamagedError for one that is damaged or knows no words.
    """
    folder = encoders.obtain(name)
    ready = folder / "tokenizer.json"
    if ready.is_file():
        _check_words(name, load_tokenizer(ready, 0))
        target.write_bytes(ready.read_bytes())
        return
    transformers = _transformers()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise EncoderDamagedError.unreadable(name) from error
    _check_words(name, tokenizer.backend_tokenizer)
    tokenizer.backend_tokenizer.save(str(target))


def _check_words(name: str, tokenizer: Tokenizer) -> None:
    """Refuse a vocabulary of marks alone, as transformers makes up from files of another kind."""
    added = tokenizer.get_added_tokens_decoder().values()
    if tokenizer.get_vocab().keys() <= {token.content for token in added if token.special}:
        raise EncoderDamagedError.wordless(name)


def _random_weights(report: dict[str, Any]) -> set[str]:
    """Return which weights the files did not give, by transformers' report of a loading.

    Poolers are left out: most files come without one, and nothing here reads what they compute.
    """
    keys = report["missing_keys"] | {key for key, *_shapes in report["mismatched_keys"]}
    return {key for key in keys if "pooler" not in key.split(".")}


def _info(name: str, folder: Path, config: Any) -> EncoderInfo:
    return EncoderInfo(
        name=name,
        sha256=encoders.fingerprint(name),
        width=int(config.hidden_size),
        max_positions=encoders.max_positions(folder),
        pad_id=int(config.pad_token_id or 0),
    )


def _transformers() -> Any:
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    import transformers

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return transformers
