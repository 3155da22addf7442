"""Which column of the prediction log is what."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Strict, Tag, model_validator

from lupus_assets.declare.duration import Duration
from lupus_assets.declare.mistake import mistake, refuse
from lupus_assets.declare.moment import Zone
from lupus_assets.declare.part import Part
from lupus_assets.declare.validation import check_columns

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
    """What the model says: exactly one of a probability, a class or a number."""

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
        """Which of the three it is."""
        if self.score:
            return "score"
        return "class" if self.class_ else "value"

    @property
    def column(self) -> str:
        """The column that holds it."""
        return self.score or self.class_ or self.value or ""


class Label(Part):
    """What turned out to be true.

    Attributes
    ----------
    column : str
        Where it is.
    arrival : str or None
        Column that says when it came in.
    arrives_within : timedelta or None
        How long after the prediction it is in, as a rule.
    positive : str, int or bool
        The value that means 1 when the prediction is a score.
    """

    column: Column = Field(examples=["late"])
    arrival: Column | None = Field(default=None, examples=["label_time"])
    arrives_within: Duration | None = Field(default=None, examples=["3d"])
    positive: Annotated[PositiveValue, PlainValidator(_positive, json_schema_input_type=PositiveValue)] = (
        Field(default=True, examples=[1])
    )

    @property
    def delay(self) -> timedelta:
        """`arrives_within`, or nothing if it is not declared."""
        return self.arrives_within or timedelta(0)


class Features(Part):
    """The inputs of the model, by kind; columns named in neither list are ignored."""

    numeric: tuple[Column, ...] = Field(default=(), examples=[["distance"]])
    categorical: tuple[Column, ...] = Field(default=(), examples=[["origin"]])


class Decision(Part):
    """The score from which on the model says yes."""

    threshold: Annotated[float, Strict()] = Field(default=0.5, gt=0, lt=1, examples=[0.5])


class Columns(Part):
    """The role of every declared column; a column has one role at most.

    Attributes
    ----------
    timestamp : str
        When the prediction was made.
    timezone : str or None
        Zone of naive timestamps; None means the cadence's.
    arrival : str or None
        When the row came in.
    key : str or None
        Unique per row and partition; joins tracks row by row.
    entity : str or None
        The user, item or device that a row is about; may repeat.
    version : str or None
        The version of the model that made the prediction.
    prediction : Prediction
        What the model says.
    decision : Decision or None
        Where a score turns into a yes.
    label : Label or None
        What turned out to be true.
    features : "auto" or Features
        ``auto``: every column that has no other role.
    private : tuple of str
        Columns whose values are never stored, not even as categories.
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
