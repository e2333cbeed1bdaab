"""The learning library of Gloss: numpy, PyTorch and ONNX Runtime, and nothing of Django."""
