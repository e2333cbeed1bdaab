from collections.abc import Collection
from typing import Self


class CoreError(Exception):
    """Stop a training or a prediction with one plain sentence for the person who asked."""


class ConfigError(CoreError, ValueError):
    """Refuse settings that contradict each other."""


class SnapshotError(CoreError, ValueError):
    """Refuse a snapshot whose lines do not have the agreed shape."""


class EncoderMissingError(CoreError):
    """Say that an encoder is not on this machine, and how it gets here."""

    def __init__(self, name: str, advice: str) -> None:
        self.name = name
        super().__init__(f"The encoder “{name}” is not on this machine. {advice}")


class EncoderDamagedError(CoreError):
    """Say that the files of an encoder are not the ones they should be."""

    @classmethod
    def unreadable(cls, name: str) -> Self:
        """Return the error for files that no library can read."""
        return cls(
            f"The encoder “{name}” cannot be read: a file is damaged, missing or of a kind that "
            "is not supported. Copy or download it again, or choose another encoder."
        )

    @classmethod
    def misfit(cls, name: str, keys: Collection[str]) -> Self:
        """Return the error for weights that are not those of config.json; keys name them."""
        return cls(
            f"The weights of the encoder “{name}” are not those that its config.json describes: "
            f"{len(keys)} are missing or of another shape, {min(keys)} among them. Copy or "
            "download the encoder again, or choose another one."
        )

    @classmethod
    def wordless(cls, name: str) -> Self:
        """Return the error for a tokenizer that knows nothing but its own marks."""
        return cls(
            f"The tokenizer of the encoder “{name}” knows no words: its files are empty or not of "
            "the kind that config.json asks for. Put the encoder's tokenizer.json beside them, or "
            "choose another encoder."
        )


class EncoderUnsuitableError(CoreError):
    """Say why a model, though whole, cannot be used as an encoder."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(
            f"The model “{name}” cannot be used as an encoder: {reason}. Choose another one, such "
            "as distilbert-base-uncased."
        )


class TooLittleDataError(CoreError):
    """Say that nothing can be learned from what was given."""


class DivergedError(CoreError):
    """Say that the loss stopped being a number."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        super().__init__(
            f"The training diverged in epoch {epoch}: the loss is not a number any more. "
            "Try a lower learning rate."
        )


class CheckpointError(CoreError):
    """Say which file of a checkpoint is missing or was changed."""


class CheckpointFormatError(CheckpointError):
    """Say that a checkpoint is whole but was written by another release."""


class ImpossibleFigureError(CoreError):
    """Say that a measured figure lies outside of its range, so that none can be trusted."""

    def __init__(self, name: str, value: float) -> None:
        self.name = name
        self.value = value
        super().__init__(
            f"The measure {name} came out as {value}, which cannot be. Nothing was kept; please "
            "report this as a defect."
        )
