"""What a workspace is told: `shoal.yaml`, checked whole, every fault at once with its line.

The models below are the reference; the tables in `docs/settings.md` are generated from them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from shoal.errors import Fault, SettingsError, suggest
from shoal.plays import Business, Strategy, load_strategies

FILE = "shoal.yaml"
DIRECTIVES = frozenset("aAbBcdfgHIjmMnpSuUVwWxXyYGzZ%")  # letters after % in `at_format`
NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")
SPAN = re.compile(r"[1-9]\d{0,5} ?[hdw]")

Text = Annotated[str, Field(min_length=1, max_length=10_000)]


def _a_span(value: str) -> str:
    if not SPAN.fullmatch(value.strip()):
        raise ValueError(f"'{value}' is not a span: a whole number and h, d or w, such as 90d, 13w")
    return value


def _a_variable(value: object) -> object:
    if not re.fullmatch(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", str(value).strip()):
        raise ValueError("a secret does not stand in a file; write `${NAME}` and put it into the environment")
    return value


Span = Annotated[str, AfterValidator(_a_span)]
Secret = Annotated[str, BeforeValidator(_a_variable)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Layout(_Part):
    """How the lines of a text file are cut into columns. What is left out is found out from the file."""

    delimiter: str | None = Field(None, description="column separator; `whitespace` for runs of blanks")
    header: bool = Field(True, description="whether the first line names the columns")
    columns: list[str] | None = Field(None, description="column names, where the file has none")
    encoding: str = Field("utf-8", description="character encoding, such as utf-8, latin-1, cp1252")
    quote: str = Field('"', max_length=1, description="quote character; empty for none")
    decimal: Literal[".", ","] = Field(".", description="decimal mark of numbers")

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except LookupError:
            raise ValueError(f"unknown encoding '{value}'; utf-8, latin-1 and cp1252 are common") from None
        return value


class EventColumn(_Part):
    """The event's name is read from a column."""

    column: Text = Field(description="the column that holds the event's name")
    names: dict[str, str] = Field(
        default_factory=dict, description="raw name to the name to use; others stay as they are"
    )


class Returns(_Part):
    """Rows that take something back: events of their own, with a positive value."""

    when: Text = Field(description="a predicate over the source's columns")
    event: str = Field("Order Refunded", description="the event's name for these rows")


class Source(_Part):
    """Where data comes from and what its columns mean. Expressions are in the rule language."""

    path: str | None = Field(
        None, description="file or glob, relative to the workspace; CSV, JSON lines, Parquet, also .gz"
    )
    sql: str | None = Field(None, description="a query, with `url`")
    url: str | None = Field(None, description="database URL for `sql`; `${NAME}` is taken from the environment")
    kind: Literal["events", "profiles"] = Field(
        "events", description="`events`: a row is something that happened; `profiles`: a row is a customer"
    )
    format: Literal["csv", "json", "parquet"] | None = Field(None, description="by the file's suffix when left out")
    csv: Layout = Field(default_factory=Layout, description="how text is cut into columns")
    event: str | EventColumn = Field("Event", description="the event's name, or the column that holds it")
    returns: Returns | None = Field(None, description="rows that are cancellations or returns")
    id: str | None = Field(None, description="expression for a unique event id; a hash of the row when left out")
    at: str | None = Field(None, description="expression for the event's time")
    at_format: str | None = Field(
        None, description="strptime format of `at`, such as %d-%m-%Y %H:%M; `unix`, `unix_ms`, `unix_us` too"
    )
    time_zone: str | None = Field(None, description="zone of times written without one; the workspace's when left out")
    identifiers: dict[str, str] = Field(
        default_factory=dict,
        description="identifier type to expression: customer_id, user_id, email, phone, ...; "
        "a source of `profiles` may do without: each of its rows is then a person of its own, `row:17`",
    )
    value: str | None = Field(None, description="expression for the event's worth in money")
    currency: str | None = Field(None, description="ISO 4217 code, or the column that holds it")
    properties: dict[str, str | None] = Field(
        default_factory=dict, description="property name to expression; an empty one is ignored"
    )
    traits: dict[str, str | None] = Field(
        default_factory=dict, description="trait name to expression; an empty one is ignored"
    )
    where: str | None = Field(
        None, description="only rows for which this holds; the others go to quarantine as `excluded`"
    )
    duplicates: Literal["drop", "keep"] | None = Field(
        None,
        description="what to do with rows that equal another in every column; "
        "drop when left out, but keep where no `identifiers` tell rows apart",
    )

    @field_validator("at_format")
    @classmethod
    def _format(cls, value: str | None) -> str | None:
        unknown = [mark for mark in re.findall(r"%-?.?", value or "") if mark[-1] not in DIRECTIVES]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is no part of a strptime format; such as %d-%m-%Y %H:%M:%S")
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        if (self.path is None) == (self.sql is None):
            raise ValueError("needs exactly one of `path` and `sql`")
        if self.sql is not None and not self.url:
            raise ValueError("`sql` needs a `url` of the database")
        if self.kind == "events" and self.at is None:
            raise ValueError("`at` is missing: name the column that holds the event's time")
        if not self.identifiers and self.kind == "events":
            raise ValueError("`identifiers` is missing: name at least one column that says who it was")
        return self

    @property
    def drops_repeats(self) -> bool:
        """Whether a row that equals an earlier one in every column is left out."""
        return self.duplicates == "drop" or (self.duplicates is None and bool(self.identifiers))

    @field_validator("identifiers", "properties", "traits")
    @classmethod
    def _names(cls, value: dict[str, str | None]) -> dict[str, str | None]:
        for name in value:
            if not NAME.match(name):
                raise ValueError(f"'{name}' is not a name: letters, digits and _, starting with a letter")
        return value


class Unify(_Part):
    """Guards of identity resolution."""

    max_shared: int = Field(
        10, ge=1, description="an identifier seen with more than this many others of one type joins nobody"
    )
    max_users: int | None = Field(
        1,
        ge=1,
        description="a device_id or anonymous_id seen with more than this many values of user_id, or of customer_id, "
        "joins nobody: people share it; `null` for `max_shared`",
    )
    placeholders: list[str] = Field(
        default_factory=list, description="further values that identify nobody, besides `unknown`, `0000` and the like"
    )


class SegmentSettings(_Part):
    """How many segments to look for, and how small they may be."""

    budget: int = Field(
        6, ge=2, le=60, description="at most this many discovered segments; more than 15 is warned about"
    )
    floor: float = Field(
        0.02, ge=0, lt=0.5, description="a segment with a smaller share of the people is merged or marked niche"
    )
    micro: int = Field(
        27, ge=0, le=200, description="at most this many micro-segments inside the discovered ones; 0 for none"
    )
    recipes: list[str] | None = Field(
        None, description="the recipes that take part in the contest; all that are installed when left out"
    )


class Objective(_Part):
    """What to predict. `docs/predictions.md` says what each kind means and which scores it gives."""

    name: Text = Field(description="what its scores are called: letters, digits and _")
    kind: Literal[
        "label",
        "churn",
        "purchase",
        "conversion",
        "upsell",
        "decline",
        "cross_sell",
        "intent",
        "value",
        "lookalike",
        "affinity",
    ] = Field("label", description="what is predicted; `label` needs a `label`, `lookalike` a `segment`")
    event: str | list[str] | None = Field(
        None, description="the event that counts; purchases, or whatever people do, when left out"
    )
    where: str | None = Field(
        None, description="only events for which this holds, a predicate over the event's columns"
    )
    property: str | None = Field(
        None, description="`cross_sell`, `affinity`: the event's property; `category` or the item when left out"
    )
    horizon: Span | None = Field(
        None, description="how far ahead, such as 90d; fitted to the data's span when left out"
    )
    active_within: Span | None = Field(None, description="only people who did `event` within this long, such as 180d")
    among: str | None = Field(None, description="only people for whom this rule over the features holds")
    label: str | None = Field(
        None,
        description="a predicate over the traits, or a sentence such as "
        "`no Order Completed within 90d, among those active in the last 180d`",
    )
    segment: str | None = Field(None, description="`lookalike`: the seed segment")
    exclude: list[str] = Field(default_factory=list, description="features that the model may not use")
    allow: list[str] = Field(
        default_factory=list,
        description="features that the leak check or the protection of traits would refuse, and a purpose allows",
    )
    owner: str | None = Field(None, description="who answers for the model")
    purpose: str | None = Field(None, description="what the model is for, in words; on its card")

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if not NAME.match(value):
            raise ValueError(f"'{value}' is not a name: letters, digits and _, starting with a letter")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Objective:
        if self.kind == "label" and not self.label:
            raise ValueError("kind `label` needs a `label`, such as \"churned = 'yes'\"")
        if self.kind == "lookalike" and not self.segment:
            raise ValueError("kind `lookalike` needs a `segment` to be alike to")
        return self


class Language(_Part):
    """A language model behind any endpoint that speaks OpenAI's chat protocol. It writes names and prose from facts.

    Without this section nothing is sent anywhere. `docs/language.md` says what is sent, and what never is.
    """

    url: str = Field(description="the endpoint up to /chat/completions, such as http://localhost:11434/v1")
    model: Text = Field(description="the model's name at that endpoint")
    key: Secret | None = Field(
        None, description="`${NAME}` of the environment variable that holds the key; none for an endpoint without keys"
    )
    timeout: float = Field(30.0, gt=0, le=600, description="seconds to wait for an answer")
    temperature: float = Field(0.0, ge=0, le=2, description="0 gives the same text for the same facts")
    max_tokens: int = Field(800, ge=50, le=100_000, description="the longest answer")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
            raise ValueError(f"'{value}' is not an endpoint's address; write it as https://host/v1, the key apart")
        return value


class Webhook(_Part):
    """Where membership changes are sent, signed. `docs/live.md` says how to check the signature."""

    url: str = Field(description="an address that takes POST, such as https://example.com/shoal")
    secret: Secret = Field(description="`${NAME}` of the environment variable that holds the signing secret")
    segments: list[str] = Field(default_factory=list, description="only changes of these segments; all when left out")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s#]*)?", value):
            raise ValueError(f"'{value}' is not an address that can be posted to; such as https://example.com/shoal")
        return value


class Tracking(_Part):
    """What arrives over HTTP while `shoal serve` runs: the source `live` of every run. See `docs/live.md`."""

    log: Text | None = Field(
        None,
        description="where events are logged: `postgresql+psycopg://...` or `kafka://host:9092/topic`; "
        "the file `.shoal/log.db` when left out; `${NAME}` is taken from the environment",
    )
    identifiers: dict[str, str] = Field(
        default_factory=dict,
        description="identifier type to its place in a message, beside user_id: userId, anonymous_id: anonymousId, "
        "email: traits.email, phone: traits.phone, device_id: context.device.id; an empty place leaves the type out. "
        "Where the other sources know customers by `customer_id` and none by `user_id`, userId is the customer_id",
    )
    value: list[str] = Field(
        default_factory=lambda: ["revenue", "total", "value"],
        description="properties that hold an event's worth in money; the first that is a number counts",
    )
    earliest: str = Field("2000-01-01", description="events of before are refused: their clock is wrong")
    refresh: Span = Field("1d", description="how old a score may be before it is computed again without an event")
    public_segments: list[str] = Field(
        default_factory=list,
        description="segments that a website's visitors may learn they are in; the released ones when left out",
    )
    webhooks: list[Webhook] = Field(default_factory=list, description="where membership changes are sent")
    schedule: dict[Literal["run", "sync"], Span] = Field(
        default_factory=dict, description="how often the server runs the pipeline by itself, such as `run: 1d`"
    )

    @field_validator("earliest")
    @classmethod
    def _day(cls, value: str) -> str:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError(f"'{value}' is not a day, such as 2000-01-01")
        return value


PLACES = {
    "user_id": "userId",
    "email": "traits.email",
    "phone": "traits.phone",
    "device_id": "context.device.id",
    "anonymous_id": "anonymousId",
}
"""Where identifiers stand in a message unless `tracking.identifiers` says otherwise."""

ROW = "row"  # the identifier type of people who are known by their row's number alone


class Settings(_Part):
    """A whole `shoal.yaml`."""

    name: str = Field("shop", description="what reports call this workspace")
    time_zone: str = Field("UTC", description="zone for hours, weekdays and days")
    country: str | None = Field(None, description="ISO 3166 code, for phone numbers written without one")
    currency: str | None = Field(None, description="ISO 4217 code that values are reported in")
    rates: dict[str, float] = Field(
        default_factory=dict, description="one unit of a currency in the workspace's currency"
    )
    engine: str = Field("duckdb", description="analytical engine")
    memory: str = Field("3GB", pattern=r"^\d+(\.\d+)? ?(MB|GB|MiB|GiB)$", description="bound on the engine's memory")
    store: Text | None = Field(
        None,
        description="database URL of the operational store, such as `postgresql+psycopg://me:${PASSWORD}@db/shoal`; "
        "the file `.shoal/shoal.db` when left out; `${NAME}` is taken from the environment",
    )
    keep_runs: int = Field(3, ge=1, description="how many past runs stay readable")
    sources: dict[str, Source] = Field(default_factory=dict, description="where the data comes from")
    tracking: Tracking = Field(default_factory=Tracking, description="events that arrive over HTTP")
    unify: Unify = Field(default_factory=Unify, description="guards of identity resolution")
    goal: Literal["retention", "acquisition", "conversion", "expansion", "value", "engagement"] | None = Field(
        None, description="what the segmentation is for"
    )
    business: Business | None = Field(
        None, description="what the strategies are for; guessed from events, identifiers and traits when left out"
    )
    strategies: list[Strategy] = Field(
        default_factory=list, description="strategies of your own; those of `playbooks/strategies.yaml` follow them"
    )
    objectives: list[Objective] = Field(
        default_factory=list, description="what to predict; `goal` chooses where there are none"
    )
    features: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="features of your own, see docs/features.md"
    )
    events: dict[str, list[str]] = Field(
        default_factory=dict,
        description="which event names play a role: purchase, refund, view, cart, checkout, compare, pricing, login",
    )
    segments: SegmentSettings = Field(default_factory=SegmentSettings, description="discovery's budget")
    language: Language | None = Field(
        None, description="a language model for names, prose and drafts; nothing is sent anywhere without"
    )

    _live: bool = PrivateAttr(default=False)
    _live_traits: tuple[str, ...] = PrivateAttr(default=())

    @property
    def tells_events(self) -> bool:
        """Whether any source tells what people did; else customers are known by their traits alone."""
        return self._live or any(source.kind == "events" for source in self.sources.values())

    def with_live(self, traits: Iterable[str] = ()) -> Settings:
        """The same settings where the log has events too: the source `live`, which no file names, with its traits."""
        changed = self.model_copy()
        changed._live, changed._live_traits = True, tuple(traits)  # noqa: SLF001 - a copy of its own
        return changed

    @property
    def told_traits(self) -> list[str]:
        """The traits that tables of customers give, and then those that arrived over HTTP, in their order."""
        told = [source.traits for source in self.sources.values() if source.kind == "profiles"]
        named = (name for traits in told for name, text in traits.items() if text is not None)
        return list(dict.fromkeys([*named, *self._live_traits]))

    def row_kind(self, source: str) -> str | None:
        """The identifier type that a source's row numbers have, where they are all that tells its people apart.

        The first such source has `row`, further ones `row_SOURCE`: their row 17 is somebody else.
        """
        alone = [name for name, one in self.sources.items() if not one.identifiers]
        return None if source not in alone else ROW if source == alone[0] else f"{ROW}_{source}"

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"unknown time zone '{value}'.{suggest(value, available_timezones())}")
        return value

    @field_validator("sources")
    @classmethod
    def _alike(cls, value: dict[str, Source]) -> dict[str, Source]:
        folded: dict[str, str] = {}
        for name in value:
            other = folded.setdefault(name.casefold(), name)
            if other != name:
                raise ValueError(f"'{other}' and '{name}' differ in capitals only; call one of them something else")
        return value

    @field_validator("objectives")
    @classmethod
    def _once(cls, value: list[Objective]) -> list[Objective]:
        names = [one.name.casefold() for one in value]
        twice = sorted({one.name for one in value if names.count(one.name.casefold()) > 1})
        if twice:
            raise ValueError(f"'{twice[0]}' is the name of two objectives; call one of them something else")
        return value

    @field_validator("sources", "features")
    @classmethod
    def _names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not NAME.match(name):
                raise ValueError(f"'{name}' is not a name: letters, digits and _, starting with a letter")
        return value


def identifier_places(settings: Settings) -> dict[str, str]:
    """Each identifier type that messages have, with its place in them.

    What `tracking.identifiers` says comes before what is usual, place by place: `{customer_id: userId}` leaves no
    user_id. Where the sources know customers by customer_id and nobody by user_id, userId is the customer_id.

    >>> identifier_places(Settings())["user_id"]
    'userId'
    """
    said = settings.tracking.identifiers
    usual = {kind: place for kind, place in PLACES.items() if kind not in said and place not in said.values()}
    kinds = {kind for source in settings.sources.values() for kind in source.identifiers}
    if "customer_id" in kinds and "user_id" not in kinds and not {"user_id", "customer_id"} & said.keys():
        usual = {"customer_id" if kind == "user_id" else kind: place for kind, place in usual.items()}
    return usual | {kind: place.strip() for kind, place in said.items() if place.strip()}


def load(folder: Path) -> Settings:
    """Reads and checks `shoal.yaml` in `folder`.

    Raises SettingsError with every fault, each with line and remedy.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(
            [Fault(FILE, None, str(folder), "there is no shoal.yaml here", "run `shoal init FILE...` or pass -w DIR")]
        ) from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            [Fault(FILE, None, "encoding", f"is not UTF-8 ({error})", "save the file as UTF-8")]
        ) from None
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise SettingsError([Fault(FILE, None, "file", what, "make it a file that this user may read")]) from None
    return _with_strategies(parse, text, folder)


def _with_strategies(read: Callable[[str], Settings], text: str, folder: Path) -> Settings:
    """The settings with the strategies of their own file; the faults of both at once."""
    faults: list[Fault] = []
    settings, plays = Settings(), []
    try:
        settings = read(text)
    except SettingsError as error:
        faults += error.faults
    try:
        plays = load_strategies(folder)
    except SettingsError as error:
        faults += error.faults
    if faults:
        raise SettingsError(faults)
    return settings.model_copy(update={"strategies": [*settings.strategies, *plays]}) if plays else settings


def parse(text: str) -> Settings:
    """Checks the text of a `shoal.yaml`.

    >>> parse("sources: {}").time_zone
    'UTC'
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        what = getattr(error, "problem", None) or str(error)
        raise SettingsError([Fault(FILE, line, "YAML", what, "mend the YAML at this line")]) from None
    lines = _lines(node)
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise SettingsError([Fault(FILE, 1, "file", "is not a mapping of settings", "start with `sources:`")])
    doubles = [Fault(FILE, line, where, "is given twice", "keep one") for where, line in _doubles(node)]
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError([*doubles, *(_fault(item, lines) for item in error.errors())]) from None
    if doubles:
        raise SettingsError(doubles)
    return settings


def _lines(node: Any, path: tuple[str, ...] = (), seen: set[int] | None = None) -> dict[tuple[str, ...], int]:
    """Dotted place of every key and item, to its line (from 1); what aliases share counts once, at its first place."""
    found: dict[tuple[str, ...], int] = {}
    seen = set() if seen is None else seen
    if id(node) in seen:
        return found
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*path, str(key.value))
            found[place] = key.start_mark.line + 1
            found.update(_lines(value, place, seen))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            place = (*path, str(index))
            found[place] = value.start_mark.line + 1
            found.update(_lines(value, place, seen))
    return found


def _doubles(node: Any, path: tuple[str, ...] = (), seen: set[int] | None = None) -> list[tuple[str, int]]:
    seen = set() if seen is None else seen
    if id(node) in seen:
        return []
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return [double for value in node.value for double in _doubles(value, path, seen)]
    if not isinstance(node, yaml.MappingNode):
        return []
    names: set[str] = set()
    found = []
    for key, value in node.value:
        place = (*path, str(key.value))
        if isinstance(key.value, str):
            if key.value in names and key.value != "<<":
                found.append((".".join(place), key.start_mark.line + 1))
            names.add(key.value)
        found.extend(_doubles(value, place, seen))
    return found


def _fault(item: Mapping[str, Any], lines: Mapping[tuple[str, ...], int]) -> Fault:
    place = tuple(str(part) for part in item["loc"])
    known = place
    while known and known not in lines:
        known = known[:-1]
    if item["type"] == "extra_forbidden":
        what = f"unknown setting '{place[-1]}'.{suggest(place[-1], _fields(known[:-1]))}"
        remedy = "correct the name or remove the line"
    elif item["type"] == "missing":
        what, remedy = "is missing", "add it"
    else:
        what = str(item["msg"]).removeprefix("Value error, ")
        got = item.get("input")
        if not isinstance(got, dict | list | BaseModel) and item["type"] != "value_error":
            what += f"; got {got!r}"
        remedy = "see docs/settings.md"
    shown = ".".join(part for part in place if not part.startswith("function-")) or "file"
    return Fault(FILE, lines.get(known), shown, what, remedy)


def _fields(place: tuple[str, ...]) -> list[str]:
    """The settings known at a place, for the nearest name."""
    model: Any = Settings
    for part in place:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            break
        field = model.model_fields.get(part)
        model = {
            "sources": Source,
            "unify": Unify,
            "segments": SegmentSettings,
            "csv": Layout,
            "returns": Returns,
            "language": Language,
            "tracking": Tracking,
        }.get(part, model if field is None else None)
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []
