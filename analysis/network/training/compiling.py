"""The network translated to the processor's own code (torch.compile), where that works."""

from __future__ import annotations

import torch
from torch import nn

from analysis.network.devices import Device
from analysis.network.form.architecture import KneeNet


def compiled(network: KneeNet, device: Device, side: int, task: str) -> tuple[nn.Module, str]:
    """Compile a network, or leave it as it is where the machine can't.

    A compiler sets to work at the first batch, and so its failure would end a run that was
    set up. Here it works on two black exams, forward and backward, before training starts;
    the weights and the norms' statistics are as they were afterwards.

    Parameters
    ----------
    network : KneeNet
        On the device.
    device : Device
    side : int
        Side of the images, pixels.
    task : str
        A head that the network has.

    Returns
    -------
    torch.nn.Module
        The compiled network, which shares its weights with `network`; or `network` itself.
    str
        What was done, for the log.
    """
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    training = network.training
    try:
        faster: nn.Module = torch.compile(network, dynamic=True)  # type: ignore[assignment]
        faster.train()
        passes = torch.arange(3, device=device.torch)
        exam = torch.tensor([0, 0, 1], device=device.torch)
        with device.autocast():
            logits, views = faster(torch.zeros(3, 1, side, side, device=device.torch), passes, 3, exam, 2, task)
        (logits.float().sum() + views.float().sum()).backward()
        note = "the network is compiled"
    except Exception as error:  # the compilers behind torch.compile raise whatever they like
        faster = network
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        note = f"the network is not compiled, which is slower but otherwise the same ({reason.strip()})"
    network.load_state_dict(before)
    network.zero_grad(set_to_none=True)
    network.train(training)
    return faster, note
