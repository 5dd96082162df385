"""Logged requests to clean events: every shape that SDKs send, read one way, the same live and in batch.

What an entry becomes is a function of its offset, its bytes and the settings alone. A message that breaks a rule is
refused by itself and costs no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec

from shoal.live import wire
from shoal.live.column import column
from shoal.live.event import Event, Identifiers, Refused, Value
from shoal.live.flat import Flat, finite
from shoal.live.moment import DAY, corrected, instant
from shoal.live.wire import Message
from shoal.settings import PLACES, Tracking

LARGEST_VALUE = 1e15  # as in batch: more is no money
LONGEST_ID = 255  # characters
LONGEST_RAW = 10_000  # characters of a refused message that quarantine keeps
EVENTS = {"identify": "Identify", "group": "Group", "alias": "Alias", "page": "Page Viewed", "screen": "Screen Viewed"}
TELLS = ("Identify", "Group")
"""Events whose properties are the person's traits."""
PASSIVE = (*TELLS, "Alias")
_TYPES = frozenset({"track", *EVENTS})
_FIELDS = {"userId": "user_id", "anonymousId": "anonymous_id", "groupId": "group_id", "previousId": "previous_id"}
_Find = Callable[[Message, msgspec.Raw], Any]


class _Breaks(Exception):
    """A message breaks a rule: the reason's code, and what was wrong."""


class Cleaner:
    """Cleans entries of the log.

    `normalise` gives the one spelling of an identifier (type and text), None for what identifies nobody; `places` each
    type's place in a message, the type that names a person best first; `partition` is the log's, where there are
    several. `cut` counts the texts that were too long.

    >>> cleaner = Cleaner(Tracking(), lambda kind, text: text)
    >>> body = b'{"type": "track", "event": "Ordered", "userId": 7, "properties": {"total": 12.5}}'
    >>> events, refused = cleaner.clean(1, b'{"receivedAt": 1700000000000000, "body": ' + body + b"}")
    >>> events[0].event, events[0].identifiers, events[0].value
    ('Ordered', (('user_id', '7'),), 12.5)
    """

    def __init__(
        self,
        tracking: Tracking,
        normalise: Callable[[str, str], str | None],
        places: Mapping[str, str] | None = None,
        partition: int = 0,
    ) -> None:
        self._partition = f"{partition}:" if partition else ""
        self._normalise = normalise
        self._finds = [(kind, place, _find(place)) for kind, place in (PLACES if places is None else places).items()]
        self._money = [column(name) for name in tracking.value]
        self._earliest = int(datetime.fromisoformat(tracking.earliest).replace(tzinfo=UTC).timestamp()) * 1_000_000
        self._flat = Flat()

    @property
    def cut(self) -> int:
        """How many texts lost their end so far."""
        return self._flat.cut

    def clean(self, offset: int, entry: bytes) -> tuple[list[Event], list[Refused]]:
        """The events of one entry in their order, and what was refused of it."""
        try:
            envelope = wire.entry(entry)
            shared = wire.stamps(envelope.body)
        except (ValueError, RecursionError) as error:
            return [], [Refused(0, "malformed", f"the request cannot be read: {error}", _shown(entry))]
        sent = instant(shared.sent_at)
        envelope.sent_at = sent if sent is not None else instant(envelope.sent_at)
        events, refused = [], []
        for place, raw in enumerate([envelope.body] if shared.batch is None else shared.batch):
            try:
                events.append(self._event(raw, f"{self._partition}{offset}:{place}", shared, envelope))
            except _Breaks as broken:
                refused.append(Refused(place, broken.args[0], broken.args[1], _shown(raw)))
        return events, refused

    def _event(self, raw: msgspec.Raw, own_id: str, shared: wire.Stamps, envelope: wire.Entry) -> Event:
        message = _read(raw)
        kind = _type(envelope.type or message.type)
        identifiers = self._identifiers(message, raw, kind)
        at = self._at(message, shared, envelope)
        name = EVENTS.get(kind) or self._name(message.event)
        properties = self._properties(message, kind)
        traits: dict[str, Value] = properties if name in TELLS else {}
        message_id = message.message_id
        key = str(message_id) if message_id and isinstance(message_id, str | int) else own_id
        return Event(
            blake2b(key.encode(), digest_size=16).hexdigest(),
            at,
            name,
            identifiers,
            properties,
            traits,
            None if name in PASSIVE else self._value(properties),
            envelope.received_at,
        )

    def _identifiers(self, message: Message, raw: msgspec.Raw, kind: str) -> Identifiers:
        if kind == "alias" and message.previous_id and message.previous_id != message.user_id:
            message.anonymous_id = message.previous_id
        found = []
        for name, place, find in self._finds:
            value = find(message, raw)
            if value is None or value == "":
                continue
            spelt = self._normalise(name, _id(value, place))
            if spelt is not None:
                found.append((name, spelt))
        if not found:
            raise _Breaks("no_identifier", self._nobody(message, raw))
        return tuple(found)

    def _nobody(self, message: Message, raw: msgspec.Raw) -> str:
        shown = (f"{place} {_quoted(find(message, raw))}" for _, place, find in self._finds)
        return ", ".join(shown) or "`tracking.identifiers` names no place"

    def _at(self, message: Message, shared: wire.Stamps, envelope: wire.Entry) -> int:
        received = envelope.received_at
        places = (message.original_timestamp, message.timestamp, shared.original_timestamp, shared.timestamp)
        written = next((one for one in places if one is not None and one != ""), None)
        at = received if written is None else instant(written)
        if at is None:
            raise _Breaks("bad_time", f"the timestamp {_quoted(written)} is no instant")
        if written is not None and not envelope.historical:
            sent = instant(message.sent_at) if message.sent_at else None
            at = corrected(at, envelope.sent_at if sent is None else sent, received)
        if at < self._earliest:
            raise _Breaks("bad_time", f"the timestamp {_quoted(written)} is before `tracking.earliest`")
        if at > received + DAY:
            raise _Breaks("future_time", f"the timestamp {_quoted(written)} is more than a day ahead")
        return at

    def _name(self, sent: Any) -> str:
        name = self._flat.text(sent) if isinstance(sent, str) else None
        if name is None:
            raise _Breaks("no_event", f"event {_quoted(sent)}: a track message says what happened")
        return f"Track {name}" if name in PASSIVE else name  # what they tell is not a person's traits

    def _properties(self, message: Message, kind: str) -> dict[str, Value]:
        properties = self._flat(_object(message.properties, "properties"))
        if kind == "identify":
            known = _object(message.context.traits if message.context else None, "context.traits")
            return {**properties, **self._flat(known), **self._flat(_object(message.traits, "traits"))}
        if kind == "group":
            properties |= self._flat(_object(message.traits, "traits"), "group")
            group = message.group_id
            if group is not None and (text := self._flat.text(_id(group, "groupId"))):
                properties["group_id"] = text
        elif kind != "track":
            for name, value in (("name", message.name), ("category", message.category)):
                if isinstance(value, str) and (text := self._flat.text(value)):
                    properties[name] = text
        return properties

    def _value(self, properties: Mapping[str, Value]) -> float | None:
        for name in self._money:
            if name in properties and (value := finite(properties[name])) is not None:
                if value < 0:
                    raise _Breaks("negative_value", f"{name} {value!r}")
                if value > LARGEST_VALUE:
                    raise _Breaks("bad_value", f"{name} {value!r}")
                return value
        return None


def _read(raw: msgspec.Raw) -> Message:
    size = wire.size(raw)
    if size > wire.LARGEST:
        raise _Breaks("too_large", f"the message has {size:,} bytes, the most is {wire.LARGEST:,}")
    if size > 2 * wire.DEEPEST and wire.too_deep(bytes(raw)):
        raise _Breaks("malformed", f"the message is nested deeper than {wire.DEEPEST} levels")
    try:
        return wire.message(raw)
    except (ValueError, RecursionError) as error:
        raise _Breaks("malformed", f"the message cannot be read: {error}") from None


def _type(sent: Any) -> str:
    if isinstance(sent, str) and sent in _TYPES:
        return sent
    raise _Breaks("bad_type", f"type {_quoted(sent)}; the types are track, {', '.join(EVENTS)}")


def _id(value: Any, place: str) -> str:
    """An identifier as text.

    Raises _Breaks for what is neither text nor a number: to leave it out in silence would lose who it was.
    """
    kind = type(value)
    if kind is float and value.is_integer():
        value = int(value)
    elif kind is not str and kind is not int and kind is not float:
        raise _Breaks("malformed", f"{place} {_quoted(value)} is neither text nor a number")
    text = str(value)
    if len(text) > LONGEST_ID:
        raise _Breaks("malformed", f"{place} has {len(text):,} characters, the most is {LONGEST_ID}")
    return text.replace("\0", "") if "\0" in text else text


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if type(value) is dict:
        return value
    if value is None or value == "":
        return {}
    raise _Breaks("malformed", f"{place} {_quoted(value)} is no object")


def _find(place: str) -> _Find:
    """What stands at a dotted place of a message; traits may stand in `traits` or in `context.traits`."""
    first, *rest = place.split(".")
    if first == "traits" and rest:
        return lambda message, _raw: (
            _deep(message.traits, rest) or (_deep(message.context.traits, rest) if message.context else None)
        )
    if first == "properties" and rest:
        return lambda message, _raw: _deep(message.properties, rest)
    if first == "context" and rest[:1] == ["device"] and len(rest) > 1:
        return lambda message, _raw: _deep(message.context.device, rest[1:]) if message.context else None
    if place in _FIELDS:
        field = _FIELDS[place]
        return lambda message, _raw: getattr(message, field)
    return lambda _message, raw: wire.place(raw, place)


def _deep(value: Any, path: Iterable[str]) -> Any:
    for part in path:
        if type(value) is not dict:
            return None
        value = value.get(part)
    return value


def _quoted(value: Any) -> str:
    if value is None or value == "":
        return "blank"
    shown = value if isinstance(value, str) else repr(value)
    return f"'{shown[:80]}'"


def _shown(raw: msgspec.Raw | bytes) -> str:
    return str(bytes(raw)[: 4 * LONGEST_RAW], "utf-8", "replace")[:LONGEST_RAW]
