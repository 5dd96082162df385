"""What the customers of a small shop send through SDKs: visits, logins, carts and orders of some months, in batches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Message = dict[str, Any]


class Traffic:
    """Deterministic messages; all are in the past of `now`, which is when they are sent."""

    def __init__(self, people: int = 60, seed: int = 3, now: datetime | None = None) -> None:
        self._random, self._people = random.Random(seed), people
        self._now = now or datetime.now(UTC)
        self._number = 0

    def months(self, days: int = 150) -> list[Message]:
        """What everybody did until yesterday, as it is imported; in no order."""
        found = [message for person in range(self._people) for message in self._life(person, days)]
        self._random.shuffle(found)
        return found

    def today(self, who: int) -> list[Message]:
        """An order by somebody who was logged out until it, and what they told of themselves."""
        browser = f"browser-{who}-today"
        return [
            self._message("page", 0, anonymousId=browser, name="Home"),
            self._message("track", 0, anonymousId=browser, event="Product Added", properties=self._product()),
            self._message("identify", 0, anonymousId=browser, userId=user(who), traits={"plan": "gold"}),
            self._message("track", 0, userId=user(who), event="Order Completed", properties=self._order()),
        ]

    def _life(self, who: int, days: int) -> Iterator[Message]:
        draw, browser = self._random, f"browser-{who}"
        every = draw.choice([4, 9, 20, 45])
        yield self._message("page", days, anonymousId=browser, name="Landing")
        traits = {"email": f"{user(who)}@example.org", "country": draw.choice(["NL", "DE", "FR"])}
        yield self._message("identify", days - 1, anonymousId=browser, userId=user(who), traits=traits)
        day = days - 1.0
        while (day := day - draw.expovariate(1 / every)) > 1:
            yield self._message("track", day, userId=user(who), event="Product Viewed", properties=self._product())
            if draw.random() < 0.7:
                yield self._message("track", day, userId=user(who), event="Product Added", properties=self._product())
            if draw.random() < 0.5:
                yield self._message("track", day, userId=user(who), event="Order Completed", properties=self._order())

    def _product(self) -> dict[str, Any]:
        number = self._random.randrange(12)
        return {"product_id": f"item-{number}", "category": f"shelf {number % 3}", "price": 2.5 * number + 1}

    def _order(self) -> dict[str, Any]:
        return {**self._product(), "order_id": f"order-{self._number}", "revenue": self._random.randrange(5, 200)}

    def _message(self, kind: str, days: float, **more: Any) -> Message:
        self._number += 1
        at = self._now - timedelta(days=days, seconds=self._random.randrange(3_000))
        stamp = {} if days == 0 else {"timestamp": at.isoformat()}
        return {"messageId": f"m-{self._number}", "type": kind, **stamp, **more}


def user(who: int) -> str:
    """The id that the shop knows a customer by."""
    return f"customer-{who:03d}"


def batches(messages: list[Message], size: int = 100) -> Iterator[list[Message]]:
    """Some at a time, as SDKs send them."""
    for start in range(0, len(messages), size):
        yield messages[start : start + size]
