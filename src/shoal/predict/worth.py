"""The value objective: lifetime value as scores, a card and a version on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from shoal.define.clock import DAY
from shoal.define.feature import span, spoken_span
from shoal.errors import DataError
from shoal.predict import lifetime
from shoal.predict.found import Found, Scores
from shoal.predict.known import Known
from shoal.predict.ledger import Ledger
from shoal.predict.lifetime import Card, Forecast, Forecaster
from shoal.predict.lifetime.judge import Judge
from shoal.predict.objective import Unfit, events_of
from shoal.predict.past import Past
from shoal.predict.propensity import in_service, of_another
from shoal.predict.register import Champion, Entry, comparable, contested, on_record, opened
from shoal.predict.use import Use
from shoal.predict.vault import version_of
from shoal.settings import Objective
from shoal.summary import Interval, ModelCard
from shoal.tables import iso

YEAR = "365d"
SEED = 1
ROWS = 200_000  # rows of features held at a time for learning, about
METRIC = "mae"
Snapshots = Callable[[Sequence[int]], pa.Table]


def value(known: Known, one: Objective, past: Past, time_zone: str, champion: Champion | None, made_by: str) -> Found:
    """Expected purchases and revenue within the horizon (a year when none is given), alive, and discounted CLV."""
    horizon = span(one.horizon or YEAR)
    days = horizon / DAY
    events = events_of(one, known.catalogue)
    ledger = Ledger.read(
        past.read(list(past.files), ["person", "at", "event", "value"]),
        events,
        time_zone=time_zone,
        until=known.as_of,
    )
    card = _question(one, days, events)

    def snapshots(instants: Sequence[int]) -> pa.Table:
        if list(instants) == [known.as_of]:
            return known.features.drop_columns(["profile_id"])
        return past.at(instants, min(1.0, ROWS / (known.people * len(instants))))

    try:
        fitted = lifetime.fit_forecaster(ledger, known.as_of, days, snapshots=snapshots, time_zone=time_zone, seed=SEED)
    except DataError as error:
        raise Unfit(str(error)) from None
    files = fitted.to_files()
    key = f"value:{horizon}:{','.join(events)}"
    entry = Entry(one.name, version_of(files), key, known.as_of, made_by, METRIC)
    champion, old = opened(champion, lifetime.load)
    tested = fitted.card.tested
    gain = _gain(old, champion, entry, ledger, snapshots, time_zone, tested)
    contest = contested(champion, entry, tested_from=tested["day"] * DAY if tested else None, gain=gain)
    kept = champion if champion is not None and old is not None and contest.winner == champion.entry.version else None
    chosen = old if kept is not None and old is not None else fitted
    in_use = kept.entry if kept is not None else entry
    told = chosen.score(ledger, known.as_of, snapshots)
    scores = _scores(one.name, told, in_use.version)
    card = in_service(_judged(card, fitted.card), in_use.version, contest, scores, known.people)
    if kept is not None and in_use.version != entry.version:
        card = of_another(card, card.algorithm, in_use, entry)
    record = on_record(entry, files, champion)
    use = Use(one.name, "value", in_use.version, events=tuple(events), time_zone=time_zone)
    return Found(card, scores, _before(one, known, ledger, days, time_zone), record, in_use, use=use)


def _question(one: Objective, days: float, events: Sequence[str]) -> ModelCard:
    ahead = spoken_span(one.horizon or YEAR)
    return ModelCard(
        name=one.name,
        kind=one.kind,
        status="not enough data",
        purpose=one.purpose or "know what each customer will be worth",
        owner=one.owner,
        label=f"purchases and revenue within {ahead}, and the discounted value of 3, 12 and 24 months",
        population=f"everybody with {' or '.join(events)} so far",
        metric=METRIC,
        horizon_days=days,
        limits=["intervals are of the expectation: what one person does varies more"],
    )


def _gain(
    old: Forecaster | None,
    champion: Champion | None,
    entry: Entry,
    ledger: Ledger,
    snapshots: Snapshots,
    time_zone: str,
    tested: dict[str, int],
) -> Interval | None:
    """By how much the new way's mean absolute error of purchases is below the old one's, on the newest window."""
    if old is None or champion is None or not tested or old.days != tested["days"]:
        return None
    if not comparable(champion.entry, entry, tested["day"] * DAY):
        return None
    at = tested["day"] * DAY + DAY - 1
    then = ledger.until(tested["day"])
    new = lifetime.forecast(then, at, tested["days"], snapshots=snapshots, time_zone=time_zone, seed=SEED)
    judge = Judge(ledger.future(tested["day"], tested["days"]).purchases, SEED)
    return judge.better(new.purchases.value, old.score(then, at, snapshots).purchases.value, METRIC)


def _scores(name: str, told: Forecast, version: str) -> tuple[Scores, ...]:
    return tuple(
        Scores(f"{name}.{part}", told.person, one.value, one.low, one.high, version) for part, one in told.parts.items()
    )


def _before(one: Objective, known: Known, ledger: Ledger, days: float, time_zone: str) -> tuple[Scores, ...]:
    """What would have been said one period earlier, fitted to what was known then."""
    if known.before_at is None:
        return ()
    try:
        told = lifetime.forecast(ledger, known.before_at, days, time_zone=time_zone, seed=SEED)
    except DataError:
        return ()
    return _scores(one.name, told, "judged")


def _judged(card: ModelCard, found: Card) -> ModelCard:
    """The card with what the tests inside the history said."""
    tested = found.tested
    gain = found.gain.get("purchases") or next(iter(found.gain.values()), None)
    return card.model_copy(
        update={
            "algorithm": "; ".join(f"{what}: {how}" for what, how in found.chosen.items() if how),
            "out_of_time": bool(tested),
            "tested_from": iso(tested["day"] * DAY) if tested else None,
            "tested_until": iso((tested["day"] + tested["days"]) * DAY) if tested else None,
            "trained_until": iso(tested["day"] * DAY) if tested else None,
            "rows": {"test": tested["people"]} if tested else {},
            "skills": found.skills,
            "baseline": "past rate",
            "gain": gain,
            "notes": found.notes,
            "extra": {
                "parameters": found.parameters,
                "members": found.chosen,
                "total": {name: one.model_dump() for name, one in found.total.items()},
                "calendar": found.calendar,
            },
        }
    )
