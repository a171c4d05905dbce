"""Diffusers pipelines of a few thousand random weights, saved like released ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch


def _text(folder: Path) -> tuple[Any, Any]:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        bos_token_id=len(words) - 2,
        eos_token_id=len(words) - 1,
    )
    return CLIPTokenizer.from_pretrained(folder), CLIPTextModel(config)


def _network(channels: int, **more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        in_channels=channels,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=8,
        norm_num_groups=8,
        **more,
    )


def _coder(blocks: int) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=[16] * blocks,
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * blocks,
        up_block_types=["UpDecoderBlock2D"] * blocks,
        latent_channels=4,
        norm_num_groups=8,
    )


def save_inpainting(folder: Path) -> Path:
    """Save a Stable Diffusion inpainting pipeline."""
    from diffusers import PNDMScheduler, StableDiffusionInpaintPipeline

    torch.manual_seed(0)
    tokenizer, text = _text(folder / "words")
    pipeline = StableDiffusionInpaintPipeline(
        vae=_coder(4),
        text_encoder=text,
        tokenizer=tokenizer,
        unet=_network(9),
        scheduler=PNDMScheduler(skip_prk_steps=True),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder / "inpainting")
    return folder / "inpainting"


def save_upscaler(folder: Path, variant: str | None = None) -> Path:
    """Save a Stable Diffusion ×4 upscaler, whose coder works at a quarter rather than an eighth."""
    from diffusers import DDIMScheduler, DDPMScheduler, StableDiffusionUpscalePipeline

    torch.manual_seed(0)
    tokenizer, text = _text(folder / "words")
    pipeline = StableDiffusionUpscalePipeline(
        vae=_coder(3),
        text_encoder=text,
        tokenizer=tokenizer,
        unet=_network(7, num_class_embeds=1000),
        scheduler=DDIMScheduler(prediction_type="v_prediction"),
        low_res_scheduler=DDPMScheduler(),
        max_noise_level=350,
    )
    pipeline.save_pretrained(folder / "upscaler", variant=variant)
    return folder / "upscaler"
