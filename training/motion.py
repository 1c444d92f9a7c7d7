"""Trains stage 2: Wan's VACE transformer and its umT5 text encoder.

    python -m training.motion --data DIR --models DIR --seconds S [--resume] [--guided SCALE]

Flow matching (arXiv 2210.02747): x_t = (1 - s) x_0 + s noise, the target is noise - x_0. Four tasks are
mixed, fed with exactly what WanVACEPipeline feeds: the first frame; the first frame and a reference; the
reference alone (r2v); the last five frames of the segment before and the reference (extension). A reference
is a latent frame in front of the clip. Clips of two actions are also shown in halves, each with words for its
own action alone: the first frame and what happens first; five frames of that and what happens next, as the
segments of a timed prompt follow each other. ``--guided`` folds guidance against no words into the model
(`training.guided`). Faces and what moves count more than the rest.
"""

from __future__ import annotations

import argparse
import itertools
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training import networks
from training.bank import ClipBank
from training.common import (
    Averaged,
    Clock,
    Curve,
    Meter,
    Saves,
    Stepper,
    Team,
    load_tensors,
    save_tensors,
    whole_or_part,
)
from training.guided import guided, left
from training.vae import decode_video

NO_TEXT = 0.1
FACE_WEIGHT = 3.0
SHIFT = 3.0
FIRST_OF_TWO, SECOND_OF_TWO = "first+reference, of two", "extension+reference, of two"
SHARES = {  # of each task at each length in latent frames
    ("first", 5): 0.10,
    ("first+reference", 5): 0.26,
    ("first+reference", 3): 0.05,
    (FIRST_OF_TWO, 3): 0.08,
    ("reference", 5): 0.23,
    ("extension+reference", 5): 0.04,
    ("extension+reference", 4): 0.04,
    ("extension+reference", 3): 0.04,
    (SECOND_OF_TWO, 4): 0.16,  # where it begins, faces smear most
}


class MotionModels(nn.Module):
    """What stage 2 trains, under the names of the folders it is saved in."""

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.transformer = networks.transformer()
        self.text_encoder = networks.umt5(vocab)

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids (B, L), 0 for padding -> states (B, L, C), zero at padding, as in the pipeline."""
        mask = ids.ne(0)
        states = self.text_encoder(ids, mask.long()).last_hidden_state
        return states * mask[..., None]

    def forward(self, noised: Tensor, t: Tensor, context: Tensor, fed: Tensor) -> Tensor:
        """The velocity (float32) of noised latents (B, 16, T, h, w) at timesteps t (B,), 0 to 1000."""
        kind = self.transformer.dtype
        v = self.transformer(
            noised.to(kind), t, context, control_hidden_states=fed.to(kind), return_dict=False
        )[0]
        return v.float()


def control(bank: ClipBank, task: str, sample: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The clean latents (B, 16, T, h, w) and the control input (B, 96, T, h, w) of one task.

    Control channels: 16 of the kept frames, 16 of the frames to make (all grey: a constant), 64 of the mask.
    A reference stands in front with zeros beside it, and its mask is zero.
    """
    x0 = sample["latents"]
    b, c, t, h, w = x0.shape
    grey = bank.grey[:, :, :t].to(x0.dtype).expand_as(x0)
    kept = {"first": "inactive_first", "reference": "grey"}.get(task.partition("+")[0], "inactive_last")
    inactive = grey if kept == "grey" else sample[kept]
    mask = torch.ones(b, 64, t, h, w, device=x0.device, dtype=x0.dtype)
    if task.startswith("extension"):
        mask[:, :, : kept_latents(t)] = 0
    fed = torch.cat([inactive, grey, mask], dim=1)
    if "+reference" in task or task == "reference":
        reference = sample["reference"]
        front = torch.cat(
            [reference, torch.zeros(b, c + 64, 1, h, w, device=x0.device, dtype=x0.dtype)], dim=1
        )
        return torch.cat([reference, x0], dim=2), torch.cat([front, fed], dim=2)
    return x0, fed


def kept_latents(latents: int, kept_frames: int = 5) -> int:
    """For how many leading latents the pipeline's mask says "keep".

    It samples one frame's mask for each: the frame nearest to the latent's centre on the stretched axis.
    """
    frames = 4 * (latents - 1) + 1
    return sum(int((i + 0.5) * frames / latents) < kept_frames for i in range(latents))


def batch_of(bank: ClipBank, task: str, latents: int, count: int) -> dict[str, Tensor]:
    """A batch for a task at a length in latent frames."""
    if task in (FIRST_OF_TWO, SECOND_OF_TWO):
        return bank.part(count, second=task == SECOND_OF_TWO)
    return shortened(bank.clips(count), latents)


def shortened(sample: dict[str, Tensor], latents: int) -> dict[str, Tensor]:
    """The batch's first ``latents`` latent frames: what a causal autoencoder makes of the shorter clips."""
    timed = ("latents", "inactive_first", "inactive_last", "face")
    return {k: v[:, :, :latents] if k in timed else v for k, v in sample.items()}


def flow_loss(
    models: MotionModels, bank: ClipBank, task: str, sample: dict[str, Tensor], scale: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted loss to descend (faces and moving places count more) and the plain error of its task, to
    log. ``scale``: of the guidance to fold in, 1 for none.
    """
    x0, fed = control(bank, task, sample)
    x0 = x0.float()
    device, count = x0.device, len(x0)
    u = torch.sigmoid(torch.randn(count, device=device))
    s = (SHIFT * u / (1 + (SHIFT - 1) * u)).view(-1, 1, 1, 1, 1)
    noise = torch.randn_like(x0)
    noised = (1 - s) * x0 + s * noise
    told = torch.rand(count, 1, device=device) >= NO_TEXT
    ids, t = torch.where(told, sample["ids"], bank.no_text), s.flatten() * 1000
    v = models(noised, t, models.embed(ids), fed)
    wanted = noise - x0
    if scale != 1:
        with torch.no_grad():
            free = models(noised, t, models.embed(bank.no_text).expand(count, -1, -1), fed)
        wanted = guided(wanted, v, free, told, scale)
    error = (v - wanted).square().mean(1, keepdim=True)
    clip = x0[:, :, -sample["latents"].shape[2] :]
    moved = (clip - clip[:, :, :1]).abs().mean(1, keepdim=True)
    weight = torch.ones_like(error)
    weight[:, :, -clip.shape[2] :] += 2 * moved.clamp(max=1.5) + (FACE_WEIGHT - 1) * sample["face"]
    return (error * weight).mean() / weight.mean(), {task.partition("+")[0]: error.mean()}


def train(
    data: Path,
    folder: Path,
    clock: Clock,
    resume: bool,
    team: Team,
    batch: int,
    compiled: bool,
    guide: float = 1.0,
) -> None:
    """Train, data loading and encoding included, and save ``folder``/motion.safetensors."""
    device = team.device
    bank = team.first_then_rest(lambda: ClipBank(data, folder, device))
    models = MotionModels(bank.vocab)
    if resume:
        models.load_state_dict(load_tensors(folder / "motion.safetensors"))
    models.to(device).train()
    if compiled:
        # Wan's blocks turn everything to float32 and back: three quarters of a step is memory traffic.
        models.transformer.compile_repeated_blocks(fullgraph=True, dynamic=True)
    groups: list[tuple[list[nn.Module], float]] = [([models], 8e-4)]
    stepper = Stepper(
        lambda key, sample: flow_loss(models, bank, key[0], sample, guide),
        groups,
        clock,
        device,
        team,
        half=device.type == "cuda",
    )
    mean = Averaged(stepper.parameters, 0.9995, stepper.masters)
    saves = Saves(team)
    curve, meters = Curve(folder / "motion.csv", team), {key[0].partition("+")[0]: Meter() for key in SHARES}
    keys, shares = list(SHARES), torch.tensor(list(SHARES.values()))

    def keep() -> None:
        with mean.applied():
            save_tensors(models.state_dict(), folder / "motion.safetensors")

    while clock.running():
        key = keys[int(torch.multinomial(shares, 1))]
        figures = stepper(key, batch_of(bank, *key, batch))
        for name, value in figures.items():
            meters[name].add(**{name: value})
        mean.update()
        if curve.due(stepper.steps):
            curve.log(
                stepper.steps,
                stepper.steps * batch * team.size,
                **{name: meter.read().get(name, math.nan) for name, meter in meters.items()},
            )
        if saves.due():
            keep()
    models.eval()
    if team.leads:
        keep()
        # A few batches of another size are not worth compiling for.
        with mean.applied(), torch.compiler.set_stance("force_eager"):
            sheet(models, bank, folder / "motion.png", min(6, batch), left(guide))
    team.end()


@torch.no_grad()
def generate(
    models: MotionModels,
    bank: ClipBank,
    task: str,
    sample: dict[str, Tensor],
    scale: float,
    steps: int = 16,
) -> Tensor:
    """Latents of a batch, sampled with plain Euler steps of the shifted schedule and guidance."""
    x0, fed = control(bank, task, sample)
    device = x0.device
    x = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0)).to(device)
    u = torch.linspace(1, 0, steps + 1, device=device)
    sigmas = SHIFT * u / (1 + (SHIFT - 1) * u)
    asked, free = models.embed(sample["ids"]), models.embed(bank.no_text.expand_as(sample["ids"]))
    for s, after in itertools.pairwise(sigmas):
        t = (s * 1000).expand(len(x))
        v = models(x, t, asked, fed)
        if scale != 1:
            without = models(x, t, free, fed)
            v = without + scale * (v - without)
        x = x + (after - s) * v
    return x[:, :, -sample["latents"].shape[2] :]


@torch.no_grad()
def sheet(models: MotionModels, bank: ClipBank, path: Path, count: int, scale: float) -> None:
    """``count`` clips, frames 0, 4 .. 16, real above made: first frame + reference, then reference alone."""
    from PIL import Image

    rows = []
    for task in ("first+reference", "reference"):
        sample = bank.clips(count)
        made = decode_video(bank.vae, generate(models, bank, task, sample, scale)).clamp(-1, 1)
        real = decode_video(bank.vae, sample["latents"].float()).clamp(-1, 1)
        for m, r in zip(made, real, strict=True):
            rows.extend([torch.cat(list(x[:, ::4].permute(1, 0, 2, 3)), dim=2) for x in (r, m)])
    half = len(rows) // 2
    pixels = torch.cat([torch.cat(rows[:half], dim=1), torch.cat(rows[half:], dim=1)], dim=2)
    image = ((pixels + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(image).resize((image.shape[1] // 2, image.shape[0] // 2)).save(path)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--guided", type=float, default=1.0, metavar="SCALE", help="fold this guidance in")
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile the blocks: a minute, then faster steps"
    )
    whole_or_part(parser)
    args: Any = parser.parse_args()
    team = Team(args.device)
    team.seed(2)
    torch.set_float32_matmul_precision("high")
    clock = Clock(args.seconds, team=team, part=args.part)
    train(args.data, args.models, clock, args.resume, team, args.batch, args.compile, args.guided)


if __name__ == "__main__":
    main()
