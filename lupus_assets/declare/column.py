"""The roles of the columns of a prediction log."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Strict, Tag, model_validator

from lupus_assets.declare.consistency.parts import check_columns
from lupus_assets.declare.duration import Duration
from lupus_assets.declare.mistake import mistake, refuse
from lupus_assets.declare.moment import Zone
from lupus_assets.declare.part import Part

Column = Annotated[str, Field(min_length=1)]
PositiveValue = str | int | bool


def _positive(value: object) -> PositiveValue:
    if isinstance(value, (str, int)):  # a bool is an int
        return value
    raise mistake(
        f"{value!r} is no value of a label", "write the value that means yes, such as 1, true or late"
    )


def _label(value: object) -> object:
    return {"column": value} if isinstance(value, str) else value


def _features(value: object) -> str:
    return "auto" if isinstance(value, str) else "lists"


class Prediction(Part):
    """The prediction of the model: exactly one of `score`, `class` and `value`.

    Attributes
    ----------
    score : str or None
        Column with the probability that the label is positive, 0 to 1.
    class_ : str or None
        Column with the predicted class.
    value : str or None
        Column with the predicted number, in the label's unit.
    """

    score: Column | None = Field(default=None, examples=["p_late"])
    class_: Column | None = Field(
        default=None, validation_alias="class", serialization_alias="class", examples=["predicted_class"]
    )
    value: Column | None = Field(default=None, examples=["predicted_minutes"])

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1 or not self.column:
            raise mistake("names not exactly one kind of prediction", "write one of score, class or value")
        return self

    @property
    def kind(self) -> Literal["score", "class", "value"]:
        """The kind of the prediction: score, class or value."""
        if self.score:
            return "score"
        return "class" if self.class_ else "value"

    @property
    def column(self) -> str:
        """The column with the prediction."""
        return self.score or self.class_ or self.value or ""


class Label(Part):
    """The outcome that the model predicts, known later. The name of a column alone is enough.

    Attributes
    ----------
    column : str
        Column with the label; null in a row whose label is not known yet.
    arrival : str or None
        Column with the time at which the label arrived.
    arrives_within : timedelta or None
        Time within which nearly every label arrives. Performance is measured this long after the end of
        the partition. Default: together with the rows.
    positive : str, int or bool
        Value of the label that counts as 1, for a prediction by `score`.
    """

    column: Column = Field(examples=["late"])
    arrival: Column | None = Field(default=None, examples=["label_time"])
    arrives_within: Duration | None = Field(default=None, examples=["3d"])
    positive: Annotated[PositiveValue, PlainValidator(_positive, json_schema_input_type=PositiveValue)] = (
        Field(default=True, examples=[1])
    )

    @property
    def delay(self) -> timedelta:
        """`arrives_within`, or zero if it is not declared."""
        return self.arrives_within or timedelta(0)


class Features(Part):
    """The inputs of the model, by kind. A column in neither list is ignored.

    Attributes
    ----------
    numeric : tuple of str
        Columns read as numbers.
    categorical : tuple of str
        Columns read as categories.
    """

    numeric: tuple[Column, ...] = Field(default=(), examples=[["distance"]])
    categorical: tuple[Column, ...] = Field(default=(), examples=[["origin"]])


class Decision(Part):
    """The threshold that turns a score into a decision.

    Attributes
    ----------
    threshold : float
        Smallest score that is a positive decision.
    """

    threshold: Annotated[float, Strict()] = Field(default=0.5, gt=0, lt=1, examples=[0.5])


class Columns(Part):
    """The role of each column of the prediction log. A column has one role at most.

    Attributes
    ----------
    timestamp : str
        Column with the time of the prediction.
    timezone : str or None
        Zone of timestamps that have none of their own. Default: the cadence's.
    arrival : str or None
        Column with the time at which the row arrived.
    key : str or None
        Column that is unique per row in a partition. It finds repeated rows, and joins two tracks row by row.
    entity : str or None
        Column with the user, item or device of the row; values may repeat.
    version : str or None
        Column with the version of the model that made the prediction.
    prediction : Prediction
        Column with the prediction, and its kind.
    decision : Decision or None
        Threshold of the score. Default: 0.5.
    label : Label or None
        The outcome that the model predicts. Without it there are no metrics of performance.
    features : "auto" or Features
        The inputs of the model. ``auto``: every column without another role.
    private : tuple of str
        Features whose values are never stored, not even as categories.
    """

    timestamp: Column = Field(examples=["time_hour"])
    timezone: Zone | None = Field(default=None, examples=["UTC"])
    arrival: Column | None = Field(default=None, examples=["ingested_at"])
    key: Column | None = Field(default=None, examples=["flight_id"])
    entity: Column | None = Field(default=None, examples=["tail_number"])
    version: Column | None = Field(default=None, examples=["model_version"])
    prediction: Prediction = Field(examples=[{"score": "p_late"}])
    decision: Decision | None = Field(default=None, examples=[{"threshold": 0.5}])
    label: Annotated[Label | None, BeforeValidator(_label, json_schema_input_type=Label | str | None)] = (
        Field(default=None, examples=[{"column": "late", "arrives_within": "3d"}])
    )
    features: Annotated[
        Annotated[Literal["auto"], Tag("auto")] | Annotated[Features, Tag("lists")], Discriminator(_features)
    ] = Field(default="auto", examples=[{"numeric": ["distance"], "categorical": ["origin"]}])
    private: tuple[Column, ...] = Field(default=(), examples=[["email"]])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse(check_columns(self.model_dump(by_alias=True)))
        return self
