"""Where the weights of a bundle lie, told without torch, and refused where they are code."""

from pathlib import PurePosixPath

from schemas.errors import SecurityError, SpecError
from workers.images.volumes.formats.monai.config import Config
from workers.images.volumes.formats.monai.files import BundleFiles

_LOADERS = ("checkpointloader", "handlers", "val_handlers", "evaluator::val_handlers")
_DEFAULTS = ("models/model.safetensors", "models/model.pt")
_SCRIPTED = (".ts", ".torchscript")
SAVE_STATE = (
    "save the weights alone where you trust it: torch.save(network.state_dict(), 'models/model.pt'), or "
    "safetensors.torch.save_file(network.state_dict(), 'models/model.safetensors')"
)


def weights_of(files: BundleFiles, config: Config) -> str:
    """The name of the file in the bundle; safetensors of the same name go before a checkpoint.

    Raises SpecError where none is there, SecurityError for TorchScript, which is a program.
    """
    loader = config.find("CheckpointLoader", _LOADERS)
    named = None if loader is None else _inside(config, config.value(f"{loader}::load_path"))
    wanted = _DEFAULTS if named is None else (str(PurePosixPath(named).with_suffix(".safetensors")), named)
    for name in wanted:
        if name.endswith(_SCRIPTED):
            raise SecurityError(f"{files.where}/{name}: is TorchScript, a program, which is not run: {SAVE_STATE}")
        if files.has(name):
            return name
    if files.has("models/model.ts"):
        raise SecurityError(f"{files.where}/models/model.ts: is TorchScript, a program, which is not run: {SAVE_STATE}")
    raise SpecError(
        f"{files.where}: holds no weights ({' or '.join(wanted)}): get them as large_files.yml of the bundle says"
    )


def _inside(config: Config, path: object) -> str:
    """A path of the config as a name in the bundle: `bundle_root` is its root wherever it lay."""
    if not isinstance(path, str) or not path:
        raise SpecError(f"{config.where}: load_path of the CheckpointLoader must be a path")
    root = config.value("bundle_root") if config.has("bundle_root") else "."
    text = path.removeprefix(str(root).rstrip("/") + "/") if root else path
    return str(PurePosixPath(text))
