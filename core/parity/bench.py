"""The small model of a golden folder in the product's own classes, and the song conditions stored with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.levo.artifacts import Conditions
from core.levo.published import PREFIX, fuse, parts_of
from core.levo.shapes import TokenShapes
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow
from core.parity.folder import Golden, codes
from core.parity.lm_rule import rule_state

LYRIC_ROWS = 151_659
STYLE_ROWS = {"v1": 151_646, "v2": 151_652}
"""Rows of the text tables by model version (levo-tokens spec §1)."""


@dataclass(slots=True)
class Bench:
    """What the cases of one folder share."""

    golden: Golden
    device: torch.device
    vocabulary: Path
    """Folder of Qwen2's `vocab.json` and `merges.txt`; it need not exist."""
    _states: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    @property
    def shapes(self) -> TokenShapes:
        """Sizes of the folder's small model."""
        config = self.golden.manifest["tiny_config"]
        lengths = config["max_len"]
        return TokenShapes(
            width=config["dim"],
            ffn=config["intermediate_size"],
            heads=config["num_heads"],
            main_layers=config["num_layers"],
            sub_layers=config["num_layers_sub"],
            main_rope_base=config["rope_theta"],
            sub_rope_base=config["rope_theta_sub"],
            codes=config["code_size"],
            lyric_rows=LYRIC_ROWS,
            style_rows=STYLE_ROWS[config["version"]],
            lyric_length=lengths["description"],
            prompt_length=lengths["prompt_audio"],
            style_length=lengths["type_info"],
            delays=tuple(config["delays"]),
        )

    def model(
        self,
        salt: str,
        *,
        delays: tuple[int, int, int] | None = None,
        rows: Mapping[str, Tensor] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> TokenModel:
        """The product's token model with the weights of the rule.

        `rows` replaces single rows, named `<published key>/<row>`, before anything is fused.
        """
        shapes = replace(self.shapes, delays=delays or self.shapes.delays)
        with hollow():
            model = TokenModel(shapes)
        state = self._state(salt, model)
        if rows:
            state = {**state, **_with_rows(state, rows)}
        model.load_state_dict({key: x.to(self.device, dtype) for key, x in fuse(state).items()}, assign=True)
        return model.eval().requires_grad_(False)

    def _state(self, salt: str, model: TokenModel) -> dict[str, Tensor]:
        if salt not in self._states:
            self._states.clear()  # one salt at a time: the text tables are the bulk of a small model
            self._states[salt] = rule_state(published_shapes(model.state_dict()), salt)
        return self._states[salt]

    def conditions_entry(self, name: str) -> tuple[str, Mapping[str, Tensor]]:
        """File name and tensors of the conditions a case calls `name`."""
        file = f"conditions_{name}.safetensors"
        if file not in self.golden.manifest["files"]:
            raise SongdeskError(f"no conditions {name!r}", where=str(self.golden.path), hint="get it again")
        return file, self.golden.tensors(file)

    def conditions(self, tensors: Mapping[str, Tensor]) -> Conditions:
        """Stored ids and prompt codes as the product's phase 1 would hand them on."""
        held = Conditions(
            lyric_ids=codes(tensors["lyric_ids"]),
            structure=codes(tensors["structure_idx"]),
            style_ids=codes(tensors["desc_ids"]),
            prompt_codes=codes(tensors["prompt_tokens_in"])[0],
            prompt_latents=torch.empty(0, 64),
        )
        return Conditions(**{name: tensor.to(self.device) for name, tensor in held.tensors().items()})


def published_shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Published keys and shapes of the tensors that a module's own state is made from."""
    return {
        PREFIX + part: (tensor.shape[0] // len(parts), *tensor.shape[1:])
        for key, tensor in state.items()
        for parts in (parts_of(key),)
        for part in parts
    }


def _with_rows(state: Mapping[str, Tensor], rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
    changed: dict[str, Tensor] = {}
    for name, row in rows.items():
        key, _, index = name.rpartition("/")
        if key not in changed:
            changed[key] = state[key].clone()
        changed[key][int(index)] = row
    return changed
