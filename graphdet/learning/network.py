"""The network's own part: messages → logit. Small on purpose, since the messages are exact and computed once.

Two layers of message passing with something learned between them: the first network reads features and the messages of features, the
second reads those and the messages of the first one's logits (stacked graphical learning, Cohen & Carvalho 2005).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import nn
from torch.optim.adamw import adamw

from graphdet.arrays import Bool, Float32, Float64, Int64
from graphdet.errors import BadNumbers
from graphdet.learning.neighbourhood import Scale, take_rows
from graphdet.settings import GnnSettings

WIDTHS = (64, 32)
BATCH = 1024
ROWS_AT_ONCE = 4096
WAY_STEPS = 256  # at which slopes are read between an ordinary row and another
RATE, DECAY = 7e-3, 1e-3


TorchNetwork = nn.Sequential


def make_network(columns: int) -> nn.Sequential:
    """Messages (n, columns) → logits (n, 1)."""
    return nn.Sequential(
        nn.Linear(columns, WIDTHS[0]), nn.ReLU(), nn.Dropout(0.3), nn.Linear(*WIDTHS), nn.ReLU(), nn.Dropout(0.1), nn.Linear(WIDTHS[1], 1)
    )


_making = threading.Lock()


def _made(columns: int, seed: int, device: torch.device) -> tuple[nn.Sequential, torch.Generator]:
    """A network whose weights hang on the seed alone, and the generator that its drop-out draws from afterwards.

    torch makes weights by draws of the whole process, which are put back; several networks may so learn at once, and each as if alone.
    """
    with _making:
        before = torch.get_rng_state()
        torch.manual_seed(seed)
        network = make_network(columns).to(device)
        draws = torch.Generator(device).manual_seed(seed)
        if device.type == "cpu":
            draws.set_state(torch.get_rng_state())
        torch.set_rng_state(before)
    return network, draws


@contextlib.contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """One thread, and deterministic algorithms on a GPU, so that the same seed gives the same bytes on every number of threads.

    A processor's one thread has no other algorithms, and merely asking for them takes torch two seconds of imports.
    """
    threads = torch.get_num_threads()  # each thread has its own setting
    ask = device.type != "cpu" and not torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    if ask:
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if ask:
            torch.use_deterministic_algorithms(False)


def _learning_logits(network: nn.Sequential, inputs: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
    """What the network says while it learns: torch's own drop-out, but for whose draws they are."""
    value = inputs
    for part in network:
        if isinstance(part, nn.Dropout):
            value = value * torch.empty_like(value).bernoulli_(1 - part.p, generator=draws).div_(1 - part.p)
        else:
            value = part(value)
    return value.squeeze(1)


def train(inputs: Float32, labels: Bool, settings: GnnSettings, seed: int, stage: str, begin: Float64 | None = None) -> nn.Sequential:
    """A network that tells labelled rows from the others.

    Args:
        inputs: (n, columns), standardised.
        labels: (n,).
        settings: epochs and device.
        seed: of first weights, order and drop-out.
        stage: named where the loss is no finite number.
        begin: (n,) log odds that the network's logits are added to; none otherwise.

    Raises:
        BadNumbers: the loss is no finite number.
    """
    generator = np.random.default_rng(seed)
    device = torch.device(settings.device)
    with reproducible(device):
        network, draws = _made(inputs.shape[1], seed, device)
        read = torch.from_numpy(inputs).to(device)
        truth = torch.from_numpy(labels.astype(np.float32)).to(device)
        known = torch.zeros_like(truth) if begin is None else torch.from_numpy(begin.astype(np.float32)).to(device)
        weights: list[torch.Tensor] = list(network.parameters())
        means, squares = [torch.zeros_like(weight) for weight in weights], [torch.zeros_like(weight) for weight in weights]
        steps = [torch.zeros((), device=device) for _ in weights]
        for epoch in range(settings.epochs):
            order = torch.from_numpy(generator.permutation(len(labels))).to(device)
            for start in range(0, len(labels), BATCH):
                batch = order[start : start + BATCH]
                logits = known[batch] + _learning_logits(network, read[batch], draws)
                loss = nn.functional.binary_cross_entropy_with_logits(logits, truth[batch])
                slopes = list(torch.autograd.grad(loss, weights))
                # The function behind torch's optimiser: making the optimiser itself takes two seconds of imports.
                with torch.no_grad():
                    adamw(
                        weights, slopes, means, squares, [], steps, fused=True, amsgrad=False, maximize=False,
                        lr=RATE, weight_decay=DECAY, beta1=0.9, beta2=0.999, eps=1e-8,
                    )  # fmt: skip
            if not torch.isfinite(loss):
                raise BadNumbers(f"{stage}, epoch {epoch + 1}", "the loss")
    return network.eval()


def apply_network(network: nn.Sequential, scale: Scale, parts: Sequence[Float32], rows: Int64 | None = None, threads: int = 1) -> Float64:
    """Logits of some rows, or of all; exact, a block of rows at a time, which stays in the processor's cache."""
    device = next(network.parameters()).device
    rows = np.arange(len(parts[0])) if rows is None else rows

    def of_block(start: int) -> Float64:
        torch.set_num_threads(1)  # each thread has its own setting
        with torch.inference_mode():
            block = scale.apply(take_rows(parts, rows[start : start + ROWS_AT_ONCE]))
            return np.asarray(network(torch.from_numpy(block).to(device)).squeeze(1).cpu().numpy(), np.float64)

    with reproducible(device), ThreadPoolExecutor(threads) as pool:
        return np.concatenate([np.zeros(0), *pool.map(of_block, range(0, len(rows), ROWS_AT_ONCE))])


def integrated_gradients(network: nn.Sequential, scale: Scale, own: Float32, ordinary: Float32) -> Float64:
    """(columns,) what each column adds to one row's logit on the straight way from an ordinary row (Sundararajan et al. 2017).

    They add up to how far the two logits are apart, as nearly as `WAY_STEPS` slopes tell.
    """
    device = next(network.parameters()).device
    with reproducible(device):
        begin, end = (torch.from_numpy(scale.apply(row[None])).to(device) for row in (ordinary, own))
        along = (torch.arange(WAY_STEPS, device=device) + 0.5)[:, None] / WAY_STEPS
        at = (begin + (end - begin) * along).requires_grad_()
        (slopes,) = torch.autograd.grad(network(at).sum(), at)
        return np.asarray(((end - begin)[0] * slopes.mean(0)).cpu().numpy(), np.float64)
