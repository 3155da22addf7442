"""A code location: every declaration below a folder, each loaded separately."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import dagster as dg

from lupus_assets.assets.arrival import arrival_sensor, broken_check
from lupus_assets.assets.component import definitions_of
from lupus_assets.assets.installation import RESOURCE, Installation
from lupus_assets.assets.key import given_keys, made_keys, step_prefix, upstream_key
from lupus_assets.assets.operation import operations
from lupus_assets.assets.view import upkeep
from lupus_assets.declare import MonitoredModel, find, load_all
from lupus_assets.errors import DeclarationError, LupusError, Problem


def load_location(
    project: Path,
    definitions: Path,
    resources: Mapping[str, object],
    models: Sequence[MonitoredModel] = (),
) -> dg.Definitions:
    """Return the definitions of every ``defs.yaml`` below `definitions`.

    A declaration with mistakes becomes a failing check and does not affect other models. Lupus therefore
    reads the files itself: with Dagster's component tree, one broken file breaks the whole location.

    Parameters
    ----------
    project : Path
        The folder of ``pyproject.toml``.
    definitions : Path
        The folder of the declarations, a package inside `project`.
    resources : mapping of str to object
        With an `Installation` under ``lupus``.
    models : sequence of MonitoredModel, optional
        Models declared in Python, besides those in files.
    """
    in_files, errors = load_all(find(definitions))
    parts: list[dg.Definitions] = []
    declared: dict[str, MonitoredModel] = {}  # by the prefix of their step names
    broken: dict[dg.AssetKey, DeclarationError] = {}
    for path, model in [*((None, model) for model in models), *in_files.items()]:
        try:
            part = definitions_of(model, path)
            if step_prefix(model) in declared:
                raise LupusError(f"{declared[step_prefix(model)].key} is declared already")
        except Exception as error:  # refused by Dagster, not by Lupus: reported as any other mistake
            if path is None:
                broken[python_key(model)] = _refused(f"{model.key} of load_location(models=...)", error)
            else:
                errors[path] = _refused(str(path), error)
        else:
            parts.append(part)
            declared[step_prefix(model)] = model
    working = list(declared.values())
    broken |= _broken(errors, definitions, project)
    return dg.Definitions.merge(
        *parts,
        dg.Definitions(
            assets=[*_upstream(working), *(_broken_asset(*each) for each in broken.items())],
            asset_checks=[broken_check(key, error) for key, error in broken.items()],
            sensors=[arrival_sensor(working, broken)],
            resources=resources,
            executor=dg.in_process_executor,
        ),
        operations(working),
        upkeep(cast("Installation", resources[RESOURCE]).view_names),
    )


def _refused(place: str, error: BaseException) -> DeclarationError:
    while error.__cause__ is not None:  # Dagster wraps the original error
        error = error.__cause__
    said = " ".join(str(error).split())
    what = (
        f"it cannot be loaded: {said if isinstance(error, LupusError) else f'{type(error).__name__}: {said}'}"
    )
    return DeclarationError([Problem(place, 1, "type", what, "correct that in this declaration")])


def _broken(
    errors: Mapping[Path, DeclarationError], definitions: Path, project: Path
) -> dict[dg.AssetKey, DeclarationError]:
    """Return the errors by the key of their asset, with paths relative to the project."""
    broken: dict[dg.AssetKey, DeclarationError] = {}
    for path, error in errors.items():
        problems = [replace(problem, file=path.relative_to(project).as_posix()) for problem in error.problems]
        key = broken_key(path, definitions)
        before = broken[key].problems if key in broken else ()
        broken[key] = DeclarationError([*before, *problems])
    return broken


def broken_key(path: Path, definitions: Path) -> dg.AssetKey:
    """Return the asset key of a file that cannot be loaded: its folders, and ``…_declaration``."""
    parts = [re.sub(r"\W", "_", part) for part in path.parent.relative_to(definitions).parts]
    return dg.AssetKey([*parts, f"{parts[-1] if parts else 'defs'}_declaration"])


def python_key(model: MonitoredModel) -> dg.AssetKey:
    """Return the asset key of a declaration in Python that cannot be loaded."""
    return dg.AssetKey([model.team, model.model, f"{model.model}_declaration"])


def _broken_asset(key: dg.AssetKey, error: DeclarationError) -> dg.AssetSpec:
    return dg.AssetSpec(key, description=str(error), group_name="broken_declarations")


def _upstream(models: Sequence[MonitoredModel]) -> list[dg.AssetSpec]:
    """Return the upstream tables of all models as external assets, without repeats.

    Tables that are assets already, such as the log of another model, are left out.
    """
    keys = dict.fromkeys(upstream_key(name) for model in models for name in model.upstream)
    known = {key for model in models for key in (*given_keys(model), *made_keys(model))}
    return [
        dg.AssetSpec(key, description="Upstream table.", group_name="upstream")
        for key in keys
        if key not in known
    ]
