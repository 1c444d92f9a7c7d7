"""Trains the two autoencoders: the still's AutoencoderKL and the video's AutoencoderKLWan.

    python -m training.vae still|video --data DIR --out DIR --seconds S [--resume [--polish MODELS]]

Losses: L1, L1 of the horizontal and vertical differences (edges), and a KL of weight 1e-6. ``--polish``
trains the decoder alone, so that what was trained on the latents stays valid, and adds the distance of the
face recogniser's features, over the whole crop and in the faces alone, from as far and from as near as the
judges of ``MODELS``/face look at them (`training.likeness`): an eye that is a little soft costs little in L1
and much in them. After training, the latents' mean and spread are measured and folded into the 1x1
convolutions at the bottleneck (still) or written into the config (video), so that a diffusion model sees zero
mean and unit variance per channel.

The video autoencoder is causal and runs in chunks (first frame, then fours). For training it runs in one pass
(``one_pass``), which computes the same numbers.
"""

from __future__ import annotations

import argparse
import json
import types
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.common import (
    Averaged,
    Clock,
    Curve,
    Meter,
    Saves,
    Stepper,
    Team,
    load_tensors,
    precision,
    save_tensors,
    whole_or_part,
    write_json,
)
from training.likeness import Judge, features, head_matrix, heads, judges, likeness_loss, unlike_features
from training.networks import still_vae, video_vae
from training.store import Store

KL_WEIGHT = 1e-6
EDGE_WEIGHT = 1.0
FIRST_FRAME_WEIGHT = 3.0
FEATURES_WEIGHT = 0.1
LIKENESS_WEIGHTS = {"unlike": 0.3, "apart": 0.2}


def one_pass(vae: Any) -> None:
    """Let an AutoencoderKLWan's resampling layers work on a whole clip at once, when they are given no cache.

    The chunked path passes the first frame through untouched and convolves the others in time: downsampling
    over windows of three with stride two that begin at the first frame, upsampling with zeros before the
    second frame.
    """
    for module in vae.modules():
        if type(module).__name__ == "WanResample" and hasattr(module, "time_conv"):
            module.forward = types.MethodType(_resample_all, module)


def _resample_all(self: Any, x: Tensor, feat_cache: Any = None, feat_idx: Any = None) -> Tensor:
    if feat_cache is not None:
        return type(self).forward(self, x, feat_cache, feat_idx)
    b, c, t, h, w = x.shape
    if self.mode == "upsample3d" and t > 1:
        later = self.time_conv(x[:, :, 1:])
        later = later.reshape(b, 2, c, t - 1, h, w).permute(0, 2, 3, 1, 4, 5).reshape(b, c, 2 * (t - 1), h, w)
        x = torch.cat([x[:, :, :1], later], dim=2)
        t = x.shape[2]
    x = self.resample(x.permute(0, 2, 1, 3, 4).reshape(b * t, c, h, w))
    x = x.view(b, t, *x.shape[1:]).permute(0, 2, 1, 3, 4)
    if self.mode == "downsample3d" and t > 1:
        x = torch.cat([x[:, :, :1], self.time_conv(x)], dim=2)
    return x


def patchify(x: Tensor) -> Tensor:
    """(B, C, T, H, W) to (B, 4C, T, H/2, W/2), in diffusers' channel order."""
    b, c, t, h, w = x.shape
    x = x.reshape(b, c, t, h // 2, 2, w // 2, 2).permute(0, 1, 6, 4, 2, 3, 5)
    return x.reshape(b, c * 4, t, h // 2, w // 2)


def unpatchify(x: Tensor) -> Tensor:
    """The inverse of ``patchify``."""
    b, c, t, h, w = x.shape
    x = x.reshape(b, c // 4, 2, 2, t, h, w).permute(0, 1, 4, 5, 3, 6, 2)
    return x.reshape(b, c // 4, t, h * 2, w * 2)


def encode_video(vae: Any, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance, (B, 16, 1+(T-1)/4, H/8, W/8), of frames (B, 3, T, H, W), in one pass."""
    mean, logvar = vae.quant_conv(vae.encoder(patchify(frames))).chunk(2, dim=1)
    return mean, logvar


def decode_video(vae: Any, latents: Tensor) -> Tensor:
    """Frames (B, 3, T, H, W) of latents, in one pass, not clamped."""
    return unpatchify(vae.decoder(vae.post_quant_conv(latents)))


def encode_still(vae: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance, (B, 16, H/8, W/8), of images (B, 3, H, W) in -1..1."""
    mean, logvar = vae.quant_conv(vae.encoder(images)).chunk(2, dim=1)
    return mean, logvar


def decode_still(vae: Any, latents: Tensor) -> Tensor:
    """Images (B, 3, H, W) of latents, not clamped."""
    return vae.decoder(vae.post_quant_conv(latents))


def to_float(pixels: Tensor) -> Tensor:
    """uint8 (..., H, W, 3) to float in -1..1 with the channels before the picture: (B, 3, H, W) or (B, 3,
    T, H, W).
    """
    x = pixels.float() / 127.5 - 1
    return x.permute(0, 3, 1, 2) if x.ndim == 4 else x.permute(0, 4, 1, 2, 3)


def edges(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences along the width and the height."""
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def reconstruction_loss(y: Tensor, x: Tensor, weight: Tensor | None = None) -> Tensor:
    """L1 plus L1 of edges; ``weight`` (broadcastable to (B, 1, T, 1, 1)) stresses some frames."""

    def mean(d: Tensor) -> Tensor:
        return (d.abs() * weight).mean() / weight.mean() if weight is not None else d.abs().mean()

    (yw, yh), (xw, xh) = edges(y), edges(x)
    return mean(y - x) + EDGE_WEIGHT * (mean(yw - xw) + mean(yh - xh))


def plan_still(done: float) -> tuple[int, int]:
    """(batch, crop) of the still autoencoder at this part of the run: small crops first."""
    return (40, 128) if done < 0.75 else (20, 192) if done < 0.92 else (12, 256)


def plan_video(done: float, step: int) -> tuple[int, int, int]:
    """(batch, crop, frames): single images first, then mixed lengths, larger crops last."""
    if done < 0.2:
        return 48, 128, 1
    size, scale = (128, 1.0) if done < 0.85 else (192, 0.45)
    length = (1, 5, 9, 17, 17)[step % 5]
    return max(2, int({1: 40, 5: 12, 9: 8, 17: 5}[length] * scale)), size, length


def train(
    kind: str,
    data: Path,
    out: Path,
    clock: Clock,
    resume: bool,
    team: Team,
    rate: float = 8e-4,
    polish: Path | None = None,
) -> None:
    """Train one autoencoder and write ``out``/vae.safetensors and the latents' figures. ``polish``: the
    folder of the models with the face analyzer; then the decoder alone.
    """
    device = team.device
    still = kind == "still"
    vae = still_vae() if still else video_vae()
    if resume:
        vae.load_state_dict(load_tensors(out / "vae.safetensors"))
    if not still:
        one_pass(vae)
    vae.to(device)
    store = Store(data, device, clips=not still)
    learning = decoder_of(vae) if polish else [vae]
    jury = looking_near(judges(polish, device)) if polish else []
    groups: list[tuple[list[nn.Module], float]] = [(learning, rate)]
    half = polish is not None and device.type == "cuda"  # latents are as exact as the encoder's weights
    stepper = Stepper(
        lambda _, batch: losses(vae, still, batch, jury), groups, clock, device, team, half=half
    )
    mean_weights = Averaged(stepper.parameters, 0.998, stepper.masters)
    curve, meter, samples = Curve(out / f"{kind}_vae.csv", team), Meter(), 0
    saves = Saves(team)
    while clock.running():
        if still:
            count, crop = plan_still(clock.done)
            crops = store.still_crops(count, crop)
        else:
            count, crop, length = plan_video(max(0.2, clock.done) if resume else clock.done, stepper.steps)
            crops = store.clip_crops(count, length, crop)
        pixels = crops["pixels"]
        batch = {"pixels": pixels}
        if jury:
            batch["heads"] = head_matrix(crops["five"].reshape(-1, 5, 2))
        meter.add(**stepper(tuple(pixels.shape), batch))
        samples += team.size * pixels.shape[0] * (1 if still else pixels.shape[1])
        mean_weights.update()
        if curve.due(stepper.steps):
            store.refresh()
            figures = meter.read()
            curve.log(stepper.steps, samples, psnr=_psnr(figures["mse"]), **figures)
        if saves.due():
            with mean_weights.applied():
                save_tensors(vae.state_dict(), out / "vae.safetensors")
    if team.leads:
        with mean_weights.applied():
            finish(kind, vae.float(), store, out, keep_latents=polish is not None)
    team.end()


def decoder_of(vae: Any) -> list[nn.Module]:
    """The parts that make pictures of latents; the others are frozen."""
    vae.requires_grad_(False)
    return [vae.decoder.requires_grad_(True), vae.post_quant_conv.requires_grad_(True)]


def looking_near(jury: list[Judge]) -> list[Judge]:
    """The jury, and where nobody in it looks at the faces from near its first member once more, from near."""
    return jury if any(judge.close for judge in jury) else [*jury, replace(jury[0], close=True)]


def losses(
    vae: Any, still: bool, batch: dict[str, Tensor], jury: Sequence[Judge] = ()
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss to descend and its parts for uint8 ``pixels``, pictures (B, H, W, 3) or clips (B, T, H, W, 3).
    With a ``jury`` besides how its features tell the crops apart, seen by its first member (``features``),
    and how unlike the faces are, seen by all, where ``heads`` (B T, 2, 3) says: `head_matrix`'s transforms.
    """
    x = to_float(batch["pixels"])
    weight = None
    if x.ndim == 5 and x.shape[2] > 1:
        # The first frame is coded alone and the others lean on it.
        weight = torch.cat(
            [
                torch.full_like(x[:1, :1, :1, :1, :1], FIRST_FRAME_WEIGHT),
                torch.ones_like(x[:1, :1, 1:, :1, :1]),
            ],
            2,
        )
    with precision(x.device):
        mean, logvar = encode_still(vae, x) if still else encode_video(vae, x)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * logvar.clamp(-20, 10))
        y = decode_still(vae, z) if still else decode_video(vae, z)
    kl = 0.5 * (mean.float().square() + logvar.float().exp() - 1 - logvar.float()).mean()
    recon = reconstruction_loss(y.float(), x, weight)
    loss, figures = recon + KL_WEIGHT * kl, {"loss": recon, "kl": kl}
    if jury:
        made, true = pictures_of(y), pictures_of(x)
        with precision(x.device):
            seen, there = features(jury[0].network, made), features(jury[0].network, true)
        figures["features"] = unlike_features(seen, there)
        matrix = batch["heads"]
        said = likeness_loss(jury, made, matrix, [heads(true, judge.matrix(matrix)) for judge in jury])
        figures |= {name: said[name] for name in LIKENESS_WEIGHTS}
        loss = loss + FEATURES_WEIGHT * figures["features"]
        loss = loss + sum(weight * said[name] for name, weight in LIKENESS_WEIGHTS.items())
    return loss, figures | {"mse": F.mse_loss(y.detach().float().clamp(-1, 1), x)}


def pictures_of(x: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) as they are, clips (B, 3, T, H, W) as the pictures (B T, 3, H, W) in them."""
    return x if x.ndim == 4 else x.transpose(1, 2).flatten(0, 1)


def _psnr(mse: float) -> float:
    """PSNR in dB of a mean square error over pictures in -1..1."""
    return float(10 * torch.log10(torch.tensor(4.0 / max(mse, 1e-12))))


@torch.no_grad()
def finish(
    kind: str, vae: Any, store: Store, out: Path, batches: int = 16, keep_latents: bool = False
) -> None:
    """Fold or record the latents' mean and spread (or keep what is known of them), measure PSNR on whole
    frames, and write the weights.
    """
    still = kind == "still"
    vae.eval()
    xs = [
        to_float((store.still_crops(16, 256) if still else store.clip_crops(2, 17, 256))["pixels"])
        for _ in range(batches)
    ]
    means = torch.cat([(encode_still(vae, x) if still else encode_video(vae, x))[0] for x in xs])
    dims = [d for d in range(means.ndim) if d != 1]
    mean, std = means.mean(dims), means.std(dims)
    mse = [
        F.mse_loss((decode_still if still else decode_video)(vae, z).clamp(-1, 1), x)
        for z, x in zip(means.split(len(xs[0])), xs, strict=True)
    ]
    figures: dict[str, Any] = {
        "psnr": _psnr(torch.stack(mse).mean().item()),
        "latent_mean": mean.tolist(),
        "latent_std": std.tolist(),
    }
    if keep_latents and not still:
        known = json.loads((out / "latents.json").read_text())
        figures |= {k: known[k] for k in ("latent_mean", "latent_std")}
    elif still and not keep_latents:
        fold(vae, mean, std)
    print(kind, "autoencoder, whole frames:", figures["psnr"], "dB", flush=True)
    save_tensors(vae.state_dict(), out / "vae.safetensors")
    write_json(figures, out / "latents.json")


@torch.no_grad()
def fold(vae: Any, mean: Tensor, std: Tensor) -> None:
    """Make an AutoencoderKL's latents zero-mean and unit-variance without changing its pictures.

    The encoder's last 1x1 convolution gives means and log-variances; both are shifted and scaled there, and
    the decoder's first 1x1 convolution undoes it.
    """
    channels = len(mean)
    down, up = vae.quant_conv, vae.post_quant_conv
    scale = std.view(-1, 1, 1, 1)
    down.weight[:channels] /= scale
    down.bias[:channels] = (down.bias[:channels] - mean) / std
    down.bias[channels:] -= 2 * std.log()
    up.bias += up.weight[:, :, 0, 0] @ mean
    up.weight *= std.view(1, -1, 1, 1)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=["still", "video"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=8e-4, help="the highest learning rate")
    parser.add_argument(
        "--polish", type=Path, metavar="MODELS", help="the decoder alone, with the features of face/analyzer"
    )
    whole_or_part(parser)
    args = parser.parse_args()
    if args.polish and not args.resume:
        parser.error("--polish: needs --resume, there is nothing to polish yet")
    team = Team(args.device)
    team.seed(0)
    torch.set_float32_matmul_precision("high")
    clock = Clock(args.seconds, team=team, part=args.part)
    train(args.kind, args.data, args.out, clock, args.resume, team, args.rate, args.polish)


if __name__ == "__main__":
    main()
