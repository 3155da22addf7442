"""Group, owners, tags and kinds of a model's assets in Dagster."""

from lupus_assets.declare import MonitoredModel

TABLE_KINDS = {"parquet"}


def group_name(model: MonitoredModel) -> str:
    """Return Dagit's group of a model's assets."""
    return f"{model.team}_{model.model}"


def owners(model: MonitoredModel) -> list[str]:
    """Return the owners of a model's assets: the team, which has the rights, and the declared people."""
    return list(dict.fromkeys([f"team:{model.team}", *model.owners]))


def tags(model: MonitoredModel, track: str | None = None) -> dict[str, str]:
    """Return the tags of a model's assets; assets of no single track have no track tag."""
    found = {"lupus/cadence": model.cadence.rhythm.tag}
    return found if track is None else found | {"lupus/track": track}


def log_kinds(model: MonitoredModel, track: str) -> set[str]:
    """Return the technology of a track's prediction log, as kinds of Dagit."""
    declared = model.tracks[track]
    if declared.function:
        return {"python"}
    if declared.parquet is None:
        return {"hive"}
    return {"parquet", "s3"} if "://" in declared.parquet else {"parquet"}
