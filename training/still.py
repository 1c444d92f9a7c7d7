"""Trains stage 1: SDXL's UNet and text encoders on words, then HyperLoRA and its vision tower on people.

    python -m training.still words|people --data DIR --models DIR --seconds S [--resume]
                                          [--guided SCALE] [--likeness]

``words`` learns captions -> pictures. ``people`` goes on with everything at once: the LoRA that HyperLoRA
makes of one picture of a person must help to paint another picture of that person, in another scene. Noise
schedule: SDXL's scaled linear betas with velocity prediction (arXiv 2202.00512), since a small model learns
the large noise levels better so.

``--guided`` folds classifier-free guidance into the model (see `training.guided`): what it says with words
and a person is then what it would say with guidance of that scale against no words and no person, and
pictures are sampled with a guidance scale of 1, at half the price. ``--likeness`` besides paints a few
pictures of each batch to their end, from the noise on, and lets a jury look at them
(`training.likeness`).

Reads ``models``/still_vae; reads and writes ``models``/still: unet, text encoders, hyperlora, image_encoder.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stillmotion.still.lora import attentions
from stillmotion.still.reference import CLIP_MEAN, CLIP_STD
from training import networks
from training.bank import Bank, in_half
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
from training.likeness import Judge, judges, likeness_loss
from training.vae import decode_still, to_float

TIMESTEPS = 1000
NO_TEXT = 0.1
NO_PERSON = 0.05
NEITHER = 0.4  # of the pictures without text have no person either
FACE_WEIGHT = 4.0
LIKENESS_WEIGHTS = {"unlike": 0.1, "apart": 0.1, "misread": 0.2, "unfelt": 0.3}
PICTURES = 32  # of a batch, for the jury
LEAST_NOISE = 500  # of 1000 timesteps: where the jury's pictures begin
PAINTED = 3  # steps from there to the picture
RANK_SCALE = 0.5


def alphas_cumprod(device: torch.device) -> Tensor:
    """SDXL's schedule: the cumulative product of 1 - beta, betas linear in their square root, (1000,)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, device=device) ** 2
    return torch.cumprod(1 - betas, dim=0)


class StillModels(nn.Module):
    """Everything of stage 1 that is trained, under the names of the folders it is saved in."""

    def __init__(self, vocab: int, eos: int) -> None:
        super().__init__()
        self.unet = networks.unet()
        self.text_encoder, self.text_encoder_2 = networks.text_encoders(vocab, eos)
        self.hyperlora = networks.hyperlora(self.unet)
        self.image_encoder = networks.vision()
        for name, values in (
            ("time_ids", networks.TIME_IDS),
            ("clip_mean", CLIP_MEAN),
            ("clip_std", CLIP_STD),
        ):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def embed(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Token ids (B, 77) -> both encoders' penultimate states (B, 77, C), and the pooled vector."""
        one = self.text_encoder(ids, output_hidden_states=True)
        two = self.text_encoder_2(ids, output_hidden_states=True)
        return torch.cat([one.hidden_states[-2], two.hidden_states[-2]], dim=-1), two.text_embeds

    def lora(self, pictures: Tensor, id_embeds: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Reference crops (B, S, S, 3) uint8 and unit embeddings (B, 512) -> per-sample LoRAs."""
        x = pictures.permute(0, 3, 1, 2).float() / 255
        x = ((x - self.clip_mean.view(1, 3, 1, 1)) / self.clip_std.view(1, 3, 1, 1)).to(self.unet.dtype)
        tokens = self.image_encoder(pixel_values=x, output_hidden_states=True).hidden_states[-2]
        made: dict[str, tuple[Tensor, Tensor]] = self.hyperlora.weights(
            tokens, id_embeds[:, None].to(x.dtype)
        )
        return made

    def forward(self, latents: Tensor, t: Tensor, context: Tensor, pooled: Tensor) -> Tensor:
        """The UNet's velocity (float32) for noised latents (B, 16, h, w) at timesteps t (B,)."""
        latents = latents.to(self.unet.dtype)
        kwargs = {"text_embeds": pooled, "time_ids": self.time_ids.expand(len(latents), 6)}
        return self.unet(latents, t, context, added_cond_kwargs=kwargs).sample.float()


class Personal:
    """Gives every sample of a batch its own LoRA in a UNet's attention projections, without renaming
    parameters.

    Each sample's weight is put together (W + 0.5 up down) and applied in one batched product: two products
    of rank four beside the layer cost several times as much.
    """

    def __init__(self, unet: nn.Module) -> None:
        self.current: dict[str, tuple[Tensor, Tensor]] | None = None
        for name, attention in attentions(unet).items():
            for suffix, path in (
                ("to_q", "to_q"),
                ("to_k", "to_k"),
                ("to_v", "to_v"),
                ("to_out_0", "to_out.0"),
            ):
                layer = attention.get_submodule(path)
                layer.forward = self._forward(f"{name}_{suffix}", layer)

    def _forward(self, key: str, layer: nn.Module) -> Any:
        def forward(x: Tensor) -> Tensor:
            if self.current is None:
                return F.linear(x, layer.weight, layer.bias)
            down, up = self.current[key]
            delta = RANK_SCALE * torch.bmm(up, down)
            y = torch.bmm(x, (layer.weight.to(delta.dtype) + delta).mT)
            return y if layer.bias is None else y + layer.bias.to(y.dtype)

        return forward

    @contextmanager
    def applied(self, lora: dict[str, tuple[Tensor, Tensor]] | None) -> Iterator[None]:
        """Within the block, every sample of the batch passes through its own LoRA."""
        self.current = lora
        try:
            yield
        finally:
            self.current = None


def load_models(folder: Path, bank: Bank, resume: bool) -> StillModels:
    """Fresh models, or those saved in ``folder``/still.safetensors."""
    models = StillModels(bank.vocab, bank.eos)
    if resume:
        missing, extra = models.load_state_dict(load_tensors(folder / "still.safetensors"), strict=False)
        if missing or extra:
            print("loaded with", len(missing), "fresh and", len(extra), "dropped tensors", flush=True)
    return models


def train(
    phase: str,
    data: Path,
    folder: Path,
    clock: Clock,
    resume: bool,
    team: Team,
    batch: int,
    likeness: bool,
    guide: float = 1.0,
) -> None:
    """Train one phase, data loading and encoding included, and save."""
    device = team.device
    bank = team.first_then_rest(lambda: Bank(data, folder, device))
    models = load_models(folder, bank, resume).to(device).train()
    personal = Personal(models.unet)
    people = phase == "people"
    words = [models.unet, models.text_encoder, models.text_encoder_2]
    groups: list[tuple[list[nn.Module], float]] = [(words, 8e-4)]
    if people:
        groups.append(([models.hyperlora, models.image_encoder], 8e-4))
    alphas = alphas_cumprod(device)
    jury = judges(folder, device) if likeness else []
    half = device.type == "cuda"
    vae = in_half(bank.vae)
    stepper = Stepper(
        lambda _, sample: losses(models, personal, sample, alphas, people, jury, vae, guide),
        groups,
        clock,
        device,
        team,
        half,
    )
    mean = Averaged(stepper.parameters, 0.9995, stepper.masters)
    curve, meter, saves = Curve(folder / f"still_{phase}.csv", team), Meter(), Saves(team)

    def keep() -> None:
        with mean.applied():
            save_tensors(models.state_dict(), folder / "still.safetensors")

    while clock.running():
        meter.add(**stepper(phase, bank.people(batch) if people else bank.stills(batch)))
        mean.update()
        if curve.due(stepper.steps):
            curve.log(stepper.steps, stepper.steps * batch * team.size, **meter.read())
        if saves.due():
            keep()
    models.eval()
    if team.leads:
        keep()
        with mean.applied():
            path = folder / f"still_{phase}.png"
            sheet(models, personal, bank, path, people, min(16, batch), left(guide))
    team.end()


def losses(
    models: StillModels,
    personal: Personal,
    sample: dict[str, Tensor],
    alphas: Tensor,
    people: bool,
    jury: list[Judge],
    vae: Any,
    scale: float = 1.0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss to descend, and its parts: the velocity's plain mean square error and, with a jury, the
    likeness. ``scale``: of the guidance to fold in, 1 for none.
    """
    x0, device = sample["latents"].float(), sample["latents"].device
    count = len(x0)
    t = torch.randint(0, TIMESTEPS, (count,), device=device)
    a, s = signal_and_noise(alphas, t)
    noise = torch.randn_like(x0)
    noised = a * x0 + s * noise
    untold = torch.rand(count, 1, device=device) < NO_TEXT
    context, pooled = models.embed(torch.where(untold, sample["no_text"], sample["ids"]))
    lora, told = None, ~untold
    if people:
        unknown = torch.rand(count, 1, device=device) < torch.where(untold, NEITHER, NO_PERSON)
        told &= ~unknown
        made = models.lora(sample["crops"], sample["embeds"])
        lora = {k: (down, up * ~unknown[..., None]) for k, (down, up) in made.items()}
    with personal.applied(lora):
        v = models(noised, t, context, pooled)
    wanted = a * noise - s * x0
    if scale != 1:
        with torch.no_grad():
            nothing = (e.expand(count, *e.shape[1:]) for e in models.embed(sample["no_text"]))
            free = models(noised, t, *nothing)
        wanted = guided(wanted, v, free, told, scale)
    error = (v - wanted).square().mean(1)
    weight = 1 + (FACE_WEIGHT - 1) * sample["face"]
    loss = (error * weight).mean() / weight.mean()
    figures = {"loss": error.mean()}
    if jury and people:
        some = {k: v[:PICTURES] for k, v in sample.items()}
        known = {k: (down[:PICTURES], up[:PICTURES]) for k, (down, up) in made.items()}
        with personal.applied(known):
            painted = paint(models, x0[:PICTURES], noise[:PICTURES], models.embed(some["ids"]), alphas)
        said = likeness_loss(
            jury,
            decode_still(vae, painted.to(vae.dtype)),
            some["heads"],
            [to_float(some["close" if judge.close else "faces"]) for judge in jury],
        )
        loss = loss + sum(weight * said[name] for name, weight in LIKENESS_WEIGHTS.items())
        figures |= said
    return loss, figures


def signal_and_noise(alphas: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """How much of the picture and of the noise there is at timesteps t (B,): (B, 1, 1, 1) each."""
    at = alphas[t].view(-1, 1, 1, 1)
    return at.sqrt(), (1 - at).sqrt()


def paint(
    models: StillModels, x0: Tensor, noise: Tensor, words: tuple[Tensor, Tensor], alphas: Tensor
) -> Tensor:
    """Latents (B, 16, h, w) painted in a few DDIM steps (arXiv 2010.02502) from much noise to none.

    The noise lies on the true latents ``x0``, which leave little more than where things are: the face is
    where the true one is, but the model has to paint it.
    """
    t = torch.randint(LEAST_NOISE, TIMESTEPS, (len(x0),), device=x0.device)
    a, s = signal_and_noise(alphas, t)
    x = a * x0 + s * noise
    for step in range(PAINTED, 0, -1):
        now = t * step // PAINTED
        a, s = signal_and_noise(alphas, now)
        v = models(x, now, *words)
        painted, rest = a * x - s * v, s * x + a * v
        if step > 1:
            a, s = signal_and_noise(alphas, t * (step - 1) // PAINTED)
            x = a * painted + s * rest
    return painted


@torch.no_grad()
def generate(
    models: StillModels,
    personal: Personal,
    sample: dict[str, Tensor],
    people: bool,
    scale: float,
    steps: int = 20,
) -> Tensor:
    """Latents sampled with DPM++ 2M Karras and guidance (1: folded in already) for a batch, as the pipeline
    samples them.
    """
    from diffusers import DPMSolverMultistepScheduler

    device = sample["latents"].device
    scheduler = DPMSolverMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        use_karras_sigmas=True,
    )
    scheduler.set_timesteps(steps, device=device)
    x = torch.randn(sample["latents"].shape, generator=torch.Generator().manual_seed(0)).to(device)
    context, pooled = models.embed(torch.cat([sample["ids"], sample["no_text"].expand_as(sample["ids"])]))
    lora = models.lora(sample["crops"], sample["embeds"]) if people else None
    both = {k: (torch.cat([d, d]), torch.cat([u, u])) for k, (d, u) in lora.items()} if lora else None
    for t in scheduler.timesteps:
        with personal.applied(both):
            v = models(torch.cat([x, x]), t.expand(2 * len(x)), context, pooled)
        asked, free = v.chunk(2)
        x = scheduler.step(free + scale * (asked - free), t, x).prev_sample
    return x


@torch.no_grad()
def sheet(
    models: StillModels, personal: Personal, bank: Bank, path: Path, people: bool, count: int, scale: float
) -> None:
    """A picture of ``count`` samples under their targets (and references), for the eye."""
    from PIL import Image

    sample = bank.people(count) if people else bank.stills(count)
    made = decode_still(bank.vae, generate(models, personal, sample, people, scale))
    real = decode_still(bank.vae, sample["latents"].float())
    rows = [real, made]
    if people:
        crops = sample["crops"].permute(0, 3, 1, 2).float() / 127.5 - 1
        rows.insert(0, F.interpolate(crops, size=real.shape[-2:]))
    pixels = torch.cat([torch.cat(list(r), dim=2) for r in rows], dim=1).clamp(-1, 1)
    image = ((pixels + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(image).resize((image.shape[1] // 2, image.shape[0] // 2)).save(path)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("phase", choices=["words", "people"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--likeness", action="store_true", help="people: add the recogniser's loss")
    parser.add_argument(
        "--guided", type=float, default=1.0, metavar="SCALE", help="people: fold this guidance in"
    )
    parser.add_argument("--batch", type=int, default=256)
    whole_or_part(parser)
    args = parser.parse_args()
    team = Team(args.device)
    team.seed(1)
    torch.set_float32_matmul_precision("high")
    clock = Clock(args.seconds, team=team, part=args.part)
    train(
        args.phase, args.data, args.models, clock, args.resume, team, args.batch, args.likeness, args.guided
    )


if __name__ == "__main__":
    main()
