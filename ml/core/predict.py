"""Load a checkpoint and answer: without torch, unless the torch engine is asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ml.core import checkpoint
from ml.core.answers import Prediction, predict
from ml.core.blend import BlendedModel
from ml.core.calibration import Calibration
from ml.core.config import HeadConfig, Tier, TrainConfig
from ml.core.encode import TextEncoder
from ml.core.engines.base import Engine, Floats
from ml.core.errors import CheckpointError, ConfigError
from ml.core.hardware import encodes_in_bf16
from ml.core.heads_numpy import NumpyHead, NumpyNeck, neck_arrays, split_arrays
from ml.core.neural import NeuralModel
from ml.core.scores import Model
from ml.core.tfidf import TERMS, VOCABULARY, TfidfModel

if TYPE_CHECKING:
    from ml.core.engines.torch import TorchEngine

# Texts scored at a time: enough to sort by length, little enough to stay in memory.
_CHUNK: Final = 512


class Predictor:
    """Answer every question of a checkpoint for any text."""

    def __init__(
        self, model: Model, calibrations: dict[str, Calibration], encoder: TextEncoder | None
    ) -> None:
        self._model = model
        self._calibrations = calibrations
        self._encoder = encoder

    @classmethod
    def load(
        cls,
        directory: Path,
        engine: str = "auto",
        threads: int | None = None,
        *,
        device: str = "auto",
        is_verified: bool = False,
    ) -> "Predictor":
        """Load a checkpoint after checking every file; `is_verified` skips the check.

        engine: onnx (ONNX Runtime), torch, or auto: ONNX Runtime, and for many texts torch where
        the processor has units for bfloat16. device: of torch; auto, cpu or cuda.
        """
        if engine not in {"auto", "onnx", "torch"}:
            raise ConfigError(f"The engine {engine!r} is not one of auto, onnx, torch.")
        if not is_verified:
            checkpoint.verify(directory)
        settings = checkpoint.read_json(directory / "config.json")
        config = TrainConfig.from_json(settings["train"])
        calibrations = {
            question: Calibration.from_json(own)
            for question, own in settings["calibrations"].items()
        }
        tensors = checkpoint.read_tensors(directory / "model.safetensors")
        if config.tier is Tier.TFIDF:
            terms = checkpoint.read_json(directory / VOCABULARY)
            return cls(TfidfModel.from_parts(config.heads, terms, tensors), calibrations, None)
        encoder = TextEncoder(
            _engine(directory, engine, threads, settings, tensors, device),
            max_tokens=config.max_tokens,
            pooling=config.pooling,
            layers=config.layers,
            truncation=config.truncation,
        )
        heads = tuple(NumpyHead(h, split_arrays(tensors, i)) for i, h in enumerate(config.heads))
        neck = NumpyNeck(neck_arrays(tensors), config.normalise)
        deep = NeuralModel(heads, encoder, encoder, neck)
        model = _blended(directory, deep, settings["shares_of_terms"], tensors)
        return cls(model, calibrations, encoder)

    @property
    def heads(self) -> tuple[HeadConfig, ...]:
        """Return the heads, in the order of the answers."""
        return self._model.heads

    def predict(self, texts: Sequence[str]) -> list[dict[str, Prediction]]:
        """Return one object per text with one prediction per question.

        choice: option, confidence, probabilities; number: value, low, high (90 % interval);
        multichoice: selected, probabilities; spans: a list of start, end, text, option, confidence
        and, where the question has them, polarity. Offsets are code points.
        """
        found: list[dict[str, Prediction]] = []
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            found.extend(predict(self._model, self._calibrations, chunk))
        return found

    def embed(self, texts: Sequence[str]) -> Floats:
        """Return vectors [texts, width]; raises CheckpointError for a model without encoder."""
        return self.embedder().pooled(texts)

    def embedder(self) -> TextEncoder:
        """Return what turns texts into vectors to compare them by.

        Raises CheckpointError for a model without encoder.
        """
        if self._encoder is None:
            raise CheckpointError("A TF-IDF model has no encoder and cannot embed texts.")
        # The last layer is what sentence encoders are trained to compare texts by.
        return TextEncoder(
            self._encoder.engine,
            max_tokens=self._encoder.max_tokens,
            pooling=self._encoder.pooling,
            truncation=self._encoder.truncation,
        )


def _blended(
    directory: Path, deep: NeuralModel, shares: dict[str, float], tensors: dict[str, Floats]
) -> Model:
    if not shares:
        return deep
    own = {n.removeprefix(TERMS): a for n, a in tensors.items() if n.startswith(TERMS)}
    heads = tuple(head for head in deep.heads if head.question in shares)
    vocabulary = checkpoint.read_json(directory / VOCABULARY)
    return BlendedModel(deep, TfidfModel.from_parts(heads, vocabulary, own), shares)


def _engine(
    directory: Path,
    engine: str,
    threads: int | None,
    settings: dict[str, Any],
    tensors: dict[str, Floats],
    device: str,
) -> Engine:
    if engine == "torch":
        return torch_engine(directory, settings, tensors, device=device)
    from ml.core.engines.onnx import OnnxEngine

    first = OnnxEngine(directory, threads=threads or 0)
    # Who trained in fp32 on purpose is answered in it too.
    if engine == "onnx" or not encodes_in_bf16(settings["train"].get("precision", "auto")):
        return first
    from ml.core.engines.growing import GrowingEngine

    def in_bf16() -> Engine:
        return torch_engine(directory, settings, tensors, device="cpu", is_bf16=True)

    return GrowingEngine(first, in_bf16)


def torch_engine(
    directory: Path,
    settings: dict[str, Any],
    tensors: dict[str, Floats],
    *,
    device: str = "auto",
    is_bf16: bool = False,
) -> "TorchEngine":
    """Return the encoder of a checkpoint as torch runs it; `is_bf16` is for a processor.

    Raises ConfigError when the device cuda is asked for and not there.
    """
    import torch

    from ml.core.engines import torch as engines
    from ml.core.engines.base import EncoderInfo

    info = EncoderInfo.read(directory)
    if settings["tower"] is None:
        tower, _ = engines.load_tower(settings["train"]["encoder"])
    else:
        tower = engines.build_tower(settings["tower"])
        weights = {n: torch.from_numpy(a) for n, a in tensors.items() if n.startswith("encoder.")}
        tower.model.load_state_dict({n.removeprefix("encoder."): t for n, t in weights.items()})
    return engines.TorchEngine(
        tower,
        info,
        directory / "tokenizer.json",
        device=engines.choose_device(device),
        is_bf16=is_bf16,
        wish=settings["train"].get("precision", "auto"),
    )
