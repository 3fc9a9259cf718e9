"""Where songdesk's data, settings, songs and logs live on this machine."""

import os
from pathlib import Path

import platformdirs

_APP = "songdesk"
_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent


def _shipped(folder: str) -> Path:
    """A data folder that ships with the program: inside the wheel, or beside the packages in a checkout."""
    packed = _PACKAGE / f"_{folder}"
    return packed if packed.is_dir() else _CHECKOUT / folder


def is_packed() -> bool:
    """Whether this songdesk was installed from a wheel, with its data inside, and is no checkout."""
    return (_PACKAGE / "_conf").is_dir()


def conf_file(name: str) -> Path:
    """A file of `conf/` as shipped."""
    return _shipped("conf") / name


def sample_file(name: str) -> Path:
    """A file of `sample/` as shipped."""
    return _shipped("sample") / name


def shipped_weights() -> Path:
    """Where the weights are that come with the program, whatever SONGDESK_CKPT says."""
    return _shipped("ckpt")


def demo_home() -> Path:
    """Where the demo's corpus and its training are: only a checkout has them."""
    return _CHECKOUT / "ckpt" / "demo"


def kept_out_prompts() -> Path:
    """The songs that the demo is measured with; only a checkout has them."""
    return _CHECKOUT / "tests" / "demo_prompts.jsonl"


def demo_bench_cache() -> Path:
    """Where the bench of the demo keeps what it rendered and learned; it can be deleted at any time."""
    return Path(platformdirs.user_cache_dir(_APP)) / "bench-demo"


def user_config() -> Path:
    """The person's own settings file; it need not exist."""
    return Path(platformdirs.user_config_dir(_APP)) / "songdesk.yaml"


def favourite_styles() -> Path:
    """Where the sets of style tags are that a person keeps under a name; it need not exist."""
    return user_config().with_name("styles.yaml")


def recent_styles() -> Path:
    """Where the styles of the last takes are remembered; it need not exist."""
    return Path(platformdirs.user_state_dir(_APP)) / "recent-styles.yaml"


def outline_cache() -> Path:
    """Where the outlines of other people's sound files are kept; it can be deleted at any time."""
    return Path(platformdirs.user_cache_dir(_APP)) / "outlines"


def checkpoints() -> Path:
    """Where model weights live: SONGDESK_CKPT, else `ckpt/` of a checkout, else the user's data folder."""
    named = os.environ.get("SONGDESK_CKPT")
    if named:
        return Path(named)
    beside = _CHECKOUT / "ckpt"
    if beside.is_dir():
        return beside
    return Path(platformdirs.user_data_dir(_APP)) / "ckpt"


def qwen2() -> Path:
    """Where Qwen2's vocab.json and merges.txt are: SONGDESK_QWEN2, else `qwen2/` among the weights."""
    named = os.environ.get("SONGDESK_QWEN2")
    return Path(named) if named else checkpoints() / "qwen2"


def reference_cache() -> Path:
    """Where references are kept as the models read them; it can be deleted at any time."""
    return Path(platformdirs.user_cache_dir(_APP)) / "references"


def library() -> Path:
    """Where the studio keeps songs and their takes: SONGDESK_LIBRARY, else the user's data folder."""
    named = os.environ.get("SONGDESK_LIBRARY")
    return Path(named) if named else Path(platformdirs.user_data_dir(_APP)) / "songs"


def bookmark_file() -> Path:
    """Where the studio remembers how it was left; it need not exist."""
    return Path(platformdirs.user_state_dir(_APP)) / "studio.json"


def volume_file() -> Path:
    """Where the volume of the player is remembered; it need not exist."""
    return Path(platformdirs.user_state_dir(_APP)) / "volume"


def graph_file() -> Path:
    """Where it is kept whether devices replay graphs rightly; it can be deleted at any time."""
    return Path(platformdirs.user_cache_dir(_APP)) / "graphs.json"


def thread_file() -> Path:
    """Where it is kept on how many threads a processor is fastest; deleting it has that measured anew."""
    return Path(platformdirs.user_cache_dir(_APP)) / "threads.json"


def pace_file() -> Path:
    """Where it is kept how long work took on this machine; it can be deleted at any time."""
    return Path(platformdirs.user_cache_dir(_APP)) / "paces.json"


def history_file() -> Path:
    """Where it is kept how the last runs went on this machine; it can be deleted at any time."""
    return Path(platformdirs.user_cache_dir(_APP)) / "history.json"


def rendition_cache() -> Path:
    """Where small renditions of sounds are kept, for slow lines; it can be deleted at any time."""
    return Path(platformdirs.user_cache_dir(_APP)) / "renditions"


def listen_token_file() -> Path:
    """Where the token of the listening page's address is kept; deleting it has another one drawn."""
    return Path(platformdirs.user_state_dir(_APP)) / "listen-token"


def weights_cache() -> Path:
    """Where the hashes of weight files are kept; it can be deleted at any time."""
    return Path(platformdirs.user_cache_dir(_APP)) / "weights.json"


def log_path() -> Path:
    """The log of this user's songdesk; it need not exist."""
    return Path(platformdirs.user_state_dir(_APP)) / "songdesk.log"


def log_file() -> Path:
    """The log of this user's songdesk; its folder is made, readable by the user alone."""
    path = log_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
