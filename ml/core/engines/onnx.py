"""Encode with ONNX Runtime: no torch, no transformers."""

from pathlib import Path

import numpy as np
import onnxruntime

from ml.core.engines.base import LAST, EncoderInfo, Floats, Ints


class OnnxEngine:
    """Run an exported encoder (`encoder.onnx`, `encoder.json`, `tokenizer.json` in one folder)."""

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        self.info = EncoderInfo.read(folder)
        self.tokenizer_file = folder / "tokenizer.json"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Idle threads that spin would take the cores from the web process beside them.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def states(self, ids: Ints, mask: Ints, layers: str = LAST) -> Floats:
        """Return states [batch, length, width] of the last or the mean of the upper layers."""
        inputs = {"input_ids": ids, "attention_mask": mask}
        (states,) = self._session.run([f"{layers}_hidden_state"], inputs)
        return np.asarray(states, dtype=np.float32)
