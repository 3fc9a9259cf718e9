"""Where a model's weights are, and what to say when they are not."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.engine import Stage
from core.errors import SongdeskError
from core.paths import checkpoints, shipped_weights
from core.registry import Variant
from core.shipped import fault_of, mending


def model_folder(chosen: Variant) -> Path:
    """The folder of one model's weights; it need not exist."""
    return (shipped_weights() if chosen.weights == "shipped" else checkpoints()) / chosen.id


def shared_folder(family: str) -> Path:
    """The folder of the weights that every published model of a family has in common; it need not exist."""
    return checkpoints() / family


def require_weights(chosen: Variant, stages: Iterable[Stage]) -> None:
    """Miss a weight file before the first stage rather than after it; a rule's files are made when needed."""
    if chosen.weights != "rule":
        for role in (role for stage in stages for role in stage.roles):
            role_file(chosen, role)


def find_role(chosen: Variant, role: str) -> Path | None:
    """The file of a role's weights: in the model's own folder, or in its family's."""
    folders = [model_folder(chosen)]
    if _is_shared(chosen, role):
        folders.append(shared_folder(chosen.family))
    paths = (folder / f"{role}.safetensors" for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def usual_folder(models: Sequence[Variant], roles: Iterable[str]) -> Path:
    """Where the weights of some roles go that several models of a family (at least one) can read."""
    wanted = tuple(roles)
    if any(_is_shared(chosen, role) for chosen in models for role in wanted):
        return shared_folder(models[0].family)
    return model_folder(models[0])


def _is_shared(chosen: Variant, role: str) -> bool:
    """Whether a model reads a role's weights from its family's folder too."""
    its = [file for file in chosen.files if role in file.roles]
    return not chosen.is_built_in and (not its or any(file.shared for file in its))


def role_file(chosen: Variant, role: str) -> Path:
    """The safetensors file of one role's weights; SongdeskError when it is missing, or shipped damaged."""
    path = find_role(chosen, role)
    if chosen.weights == "shipped" and (fault := fault_of(chosen, role)):
        raise SongdeskError(
            f"the {role.replace('_', ' ')} weights of {chosen.id} are {fault}",
            where=str(model_folder(chosen) / f"{role}.safetensors"),
            hint=mending(fault),
        )
    if path is None:
        name = role.replace("_", " ")
        file = next((file for file in chosen.files if role in file.roles), None)
        how = f"`songdesk models fetch {chosen.id}`" if file else chosen.note
        if file and not file.repo:
            how += f" --from a folder with {file.name}, which no hub has"
        raise SongdeskError(
            f"the {name} weights of {chosen.id} are not here",
            where=str(model_folder(chosen) / f"{role}.safetensors"),
            hint=f"{how}; --model demo runs without",
        )
    return path
