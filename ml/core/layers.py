"""Which parts of an encoder learn, and how fast: from its embeddings up to its last layer."""

from torch import nn

Group = tuple[list[nn.Parameter], float]


def rates(model: nn.Module, rate: float, *, decay: float, unfreeze: int) -> list[Group]:
    """Return (parameters, peak rate) from the embeddings up; what stays frozen is left out.

    Every layer learns `decay` times as fast as the one above it (Howard and Ruder, ACL 2018). Only
    the last `unfreeze` layers learn, or all with the embeddings where it is -1. Parameters of no
    layer (a final norm) learn like the last layer.
    """
    layers = _layers(model)
    levels = [list(_embeddings(model, layers)), *(list(layer.parameters()) for layer in layers)]
    own = {id(parameter) for level in levels for parameter in level}
    levels[-1] += [p for p in model.parameters() if id(p) not in own]
    top = len(layers)
    frozen = 0 if unfreeze < 0 else top + 1 - min(unfreeze, top)
    for level in levels[:frozen]:
        for parameter in level:
            parameter.requires_grad_(False)
    return [
        (level, rate * decay ** (top - depth))
        for depth, level in enumerate(levels)
        if depth >= frozen
    ]


def _layers(model: nn.Module) -> list[nn.Module]:
    count = int(getattr(model.config, "num_hidden_layers", 0) or 0)
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return list(module)
    return [model]


def _embeddings(model: nn.Module, layers: list[nn.Module]) -> list[nn.Parameter]:
    inside = {id(p) for layer in layers for p in layer.parameters()}
    embeddings = getattr(model, "embeddings", None)
    found = embeddings.parameters() if isinstance(embeddings, nn.Module) else []
    return [p for p in found if id(p) not in inside]
