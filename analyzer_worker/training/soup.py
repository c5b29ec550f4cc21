"""Average the adapters of several runs of one recipe into one (model soup, arXiv:2203.05482).

    python -m analyzer_worker.training.soup FOLDER FOLDER --out FOLDER

The mean of the updates, ΔW = Σ scale·Bᵢ·Aᵢ / n, has the sum of their ranks. ``--rank`` keeps the nearest update of a
lower rank: its largest singular values (Eckart and Young, 1936, doi:10.1007/BF02288367).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import load
from torch import Tensor

from analyzer_worker.engines.pooled_net import HEAD
from analyzer_worker.training.adapter_writer import write_adapter
from analyzer_worker.training.recipe import E5Recipe
from analyzer_worker.training.train_e5 import IDENTITY

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders with written adapters.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder to write adapter.safetensors and config.json to.")],
    rank: Annotated[int | None, typer.Option(help="Rank to keep; without it, the mean is exact.", min=1)] = None,
) -> None:
    """Write the mean of the adapters."""
    configs = [json.loads((folder / "config.json").read_text("utf-8")) for folder in folders]
    recipes = [config["recipe"] | {"order": 0} for config in configs]
    if any(recipe != recipes[0] for recipe in recipes) or any(each["data"] != configs[0]["data"] for each in configs):
        raise typer.BadParameter("the adapters are of different recipes or sentences")
    recipe = E5Recipe(**configs[0]["recipe"])
    kept = rank or recipe.rank * len(folders)
    recipe = replace(recipe, rank=kept, alpha=int(kept * recipe.scale), souped=len(folders))
    adapter = soup([load((folder / "adapter.safetensors").read_bytes()) for folder in folders])
    write_adapter(out, with_rank(adapter, rank) if rank else adapter, IDENTITY, recipe, {}, configs[0]["data"])
    typer.echo(f"{out}: the mean of {len(folders)} adapters")


def soup(adapters: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of adapters with the same modules and the same scale, alpha / rank.

    ``lora_A`` is (ranks, inputs), ``lora_B`` (outputs, ranks), where ranks are those of all adapters together.
    """
    count = len(adapters)
    mean = {}
    for name in adapters[0]:
        tensors = [adapter[name].float() for adapter in adapters]
        if name.startswith(HEAD):
            mean[name] = torch.stack(tensors).mean(0)
        else:
            mean[name] = torch.cat(tensors, 0) if name.endswith("lora_A") else torch.cat(tensors, 1) / count
    return mean


def with_rank(adapter: Mapping[str, Tensor], rank: int) -> dict[str, Tensor]:
    """Return the nearest adapter whose updates have at most ``rank``, in ``lora_A`` (rank, inputs) and ``lora_B``."""
    reduced = {name: tensor for name, tensor in adapter.items() if name.startswith(HEAD)}
    for module in sorted({name.rpartition(".")[0] for name in adapter.keys() - reduced.keys()}):
        left, values, right = torch.linalg.svd(adapter[f"{module}.lora_B"] @ adapter[f"{module}.lora_A"])
        roots = values[:rank].sqrt()
        reduced[f"{module}.lora_A"] = roots[:, None] * right[:rank]
        reduced[f"{module}.lora_B"] = left[:, :rank] * roots
    return reduced


if __name__ == "__main__":
    app()
