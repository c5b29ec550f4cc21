"""Average the adapters of several runs of one recipe into one (model soup, arXiv:2203.05482).

    python -m analyzer_worker.training.soup FOLDER FOLDER --out FOLDER

The mean of the updates is exact: ΔW = Σ scale·Bᵢ·Aᵢ / n is one update whose rank is the sum of the ranks.
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
) -> None:
    """Write the mean of the adapters."""
    configs = [json.loads((folder / "config.json").read_text("utf-8")) for folder in folders]
    recipes = [config["recipe"] | {"order": 0} for config in configs]
    if any(recipe != recipes[0] for recipe in recipes) or any(each["data"] != configs[0]["data"] for each in configs):
        raise typer.BadParameter("the adapters are of different recipes or sentences")
    recipe = E5Recipe(**configs[0]["recipe"])
    recipe = replace(recipe, rank=recipe.rank * len(folders), alpha=recipe.alpha * len(folders), souped=len(folders))
    adapters = [load((folder / "adapter.safetensors").read_bytes()) for folder in folders]
    write_adapter(out, soup(adapters), IDENTITY, recipe, {}, configs[0]["data"])
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


if __name__ == "__main__":
    app()
