"""What to say of a YAML file that is none: what is wrong, and at which letter."""

from pathlib import Path

from yaml import MarkedYAMLError, YAMLError


def told_of_yaml(error: YAMLError, path: Path) -> tuple[str, str]:
    """What is wrong, in a line, and where: the file with line and column as far as they are known."""
    if not isinstance(error, MarkedYAMLError):
        return (str(error).splitlines() or ["this is not YAML"])[0], str(path)
    mark = error.problem_mark or error.context_mark
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    return error.problem or "this is not YAML", f"{path}{place}"
