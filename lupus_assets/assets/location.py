"""A whole code location: every declaration below a folder, each loaded by itself."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from lupus_assets.assets.key import upstream_key
from lupus_assets.assets.operation import broken_evaluation, operations
from lupus_assets.declare import MonitoredModel, find, load_all
from lupus_assets.errors import DeclarationError


def load_location(project: Path, definitions: Path, resources: Mapping[str, object]) -> dg.Definitions:
    """Return the definitions of every ``defs.yaml`` below `definitions`.

    A declaration with mistakes becomes a failing check of its own and leaves the other models working.

    Parameters
    ----------
    project : Path
        The folder of ``pyproject.toml``.
    definitions : Path
        The folder of the declarations, a package inside `project`.
    resources : mapping of str to object
        With an `Installation` under ``lupus``.
    """
    models, errors = load_all(find(definitions))
    parts = _components(project, [path.parent.relative_to(definitions) for path in models])
    broken = {broken_key(path, definitions): error for path, error in errors.items()}
    declared = list(models.values())
    return dg.Definitions.merge(
        *parts,
        dg.Definitions(
            assets=[
                *_upstream(declared),
                *(dg.AssetSpec(key, description=str(error)) for key, error in broken.items()),
            ],
            asset_checks=[_broken_check(key, error) for key, error in broken.items()],
            resources=resources,
            executor=dg.in_process_executor,
        ),
        operations(declared, broken),
    )


def _components(project: Path, folders: Sequence[Path]) -> list[dg.Definitions]:
    """Return each folder's definitions, built as Dagster's own tools build them, with links to the file."""
    tree = dg.ComponentTree.for_project(project)
    with warnings.catch_warnings():
        # Dagster's own use of its code references, which are in beta.
        warnings.filterwarnings("ignore", category=dg.BetaWarning, message=".*CodeReference")
        return [tree.build_defs_at_path(folder) for folder in folders]


def broken_key(path: Path, definitions: Path) -> dg.AssetKey:
    """Return the key of a declaration that cannot be loaded: its folders, and ``…_declaration``."""
    parts = path.parent.relative_to(definitions).parts
    return dg.AssetKey([*parts, f"{parts[-1] if parts else 'defs'}_declaration"])


def _broken_check(key: dg.AssetKey, error: DeclarationError) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=key, name="declaration", description="Can the declaration be loaded?")
    def declaration() -> dg.AssetCheckResult:
        said = broken_evaluation(key, error)
        return dg.AssetCheckResult(
            passed=False, severity=said.severity, description=said.description, metadata=said.metadata
        )

    return declaration


def _upstream(models: list[MonitoredModel]) -> list[dg.AssetSpec]:
    """Return the upstream tables as external assets, each once however many models use it."""
    names = dict.fromkeys(name for model in models for name in model.upstream)
    return [dg.AssetSpec(upstream_key(name), description="Upstream table.") for name in names]
