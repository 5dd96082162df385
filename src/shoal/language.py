"""The port to a language model: any chat endpoint that speaks OpenAI's protocol, on this machine or elsewhere.

It is optional everywhere: whoever asks must stand without an answer. The key is read from the environment, is sent to
the endpoint and goes nowhere else: not into files, messages or logs.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shoal.errors import LanguageAway, LanguageRefused

if TYPE_CHECKING:
    import httpx

Ask = Callable[[str, str], str]
PATH = "/chat/completions"
MOST = 1_000_000  # bytes of an answer
LONGEST_WAIT = 10.0  # seconds before the one retry
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Endpoint:
    """A chat endpoint; `ask` sends two texts and gives the model's."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    temperature: float = 0.0
    max_tokens: int = 800
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def ask(self, system: str, user: str) -> str:
        """What the model answers to `user` under the instructions of `system`.

        Raises LanguageAway when the endpoint cannot be reached, is too slow or too busy (after one retry), and
        LanguageRefused when it refuses or answers something else than a chat answer.
        """
        status, headers, body = self._send(system, user)
        if status == 429:
            self.sleep(_wait(headers))
            status, _, body = self._send(system, user)
        if status != 200:
            raise self._refusal(status, body)
        return _text(body, self.where)

    @property
    def where(self) -> str:
        """Host and model, for messages."""
        return f"{urlsplit(self.url).netloc.rpartition('@')[2]}, model {self.model}"

    def _send(self, system: str, user: str) -> tuple[int, Mapping[str, str], bytes]:
        import httpx

        content = {
            "model": self.model,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
        }
        url = self.url.rstrip("/")
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        # A proxy has no business with this machine's own endpoint; redirects are not followed, for the key's sake.
        outside = urlsplit(url).hostname not in _LOOPBACK
        try:
            with (
                httpx.Client(timeout=self.timeout, trust_env=outside) as client,
                client.stream(
                    "POST", url if url.endswith(PATH) else url + PATH, json=content, headers=headers
                ) as answer,
            ):
                return answer.status_code, dict(answer.headers), self._read(answer)
        except httpx.TimeoutException:
            raise self._slow() from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise LanguageAway(
                f"{self.where}: cannot be reached ({self._hidden(str(error))}). "
                "Remedy: check `language.url` in shoal.yaml, and that the endpoint runs"
            ) from None

    def _read(self, answer: httpx.Response) -> bytes:
        """The whole answer, within the time and a bound of bytes: one that drips would never end."""
        until = time.monotonic() + self.timeout
        found = b""
        for part in answer.iter_bytes():
            found += part
            if len(found) > MOST:
                raise LanguageRefused(
                    f"{self.where}: answered more than {MOST:,} bytes. Remedy: is it a chat endpoint?"
                )
            if time.monotonic() > until:
                raise self._slow()
        return found

    def _slow(self) -> LanguageAway:
        return LanguageAway(
            f"{self.where}: no answer within {self.timeout:g} seconds. Remedy: a longer `language.timeout`, "
            "a smaller model, or fewer `language.max_tokens`"
        )

    def _refusal(self, status: int, body: bytes) -> LanguageAway | LanguageRefused:
        said = self._hidden(_complaint(body))
        if status in (401, 403):
            key = "`language.key` names the environment variable that holds it" if self.key else "set `language.key`"
            return LanguageRefused(f"{self.where}: the key was refused ({status}){said}. Remedy: {key}")
        if status == 404:
            remedy = "check `language.url` (it ends in /v1 mostly) and `language.model`"
            return LanguageRefused(f"{self.where}: there is no such endpoint or model (404){said}. Remedy: {remedy}")
        if status == 429:
            return LanguageAway(f"{self.where}: too many requests, twice (429){said}. Remedy: run again later")
        if status >= 500:
            return LanguageAway(f"{self.where}: failed ({status}){said}. Remedy: run again later, or see its log")
        return LanguageRefused(f"{self.where}: refused the request ({status}){said}. Remedy: see its documentation")

    def _hidden(self, text: str) -> str:
        """The text without the key, should a server repeat it."""
        return text.replace(self.key, "***") if self.key else text


def connect(
    *,
    url: str,
    model: str,
    key: str | None = None,
    timeout: float = 30.0,
    temperature: float = 0.0,
    max_tokens: int = 800,
    environment: Mapping[str, str] | None = None,
) -> Endpoint:
    """The endpoint that the settings' `language:` names; nothing is sent yet.

    Args:
        url: up to and without `/chat/completions`, such as http://localhost:11434/v1.
        key: `${NAME}` of an environment variable, or None for an endpoint without keys.
        timeout: seconds for a whole answer.

    Raises LanguageRefused when the environment does not have the key.

    >>> connect(url="http://localhost:1/v1", model="m", key="${K}", environment={"K": "secret"})
    Endpoint(url='http://localhost:1/v1', model='m', timeout=30.0, temperature=0.0, max_tokens=800)
    """
    told = os.environ if environment is None else environment
    secret = None
    if key is not None:
        name = key.strip().removeprefix("${").removesuffix("}")
        secret = told.get(name, "").strip()
        if not secret:
            raise LanguageRefused(f"the environment has no {name}, which `language.key` names. Remedy: export it")
        if not re.fullmatch(r"[!-~]+", secret):
            raise LanguageRefused(
                f"{name} in the environment is no key: it has blanks or odd characters. Remedy: mend it"
            )
    return Endpoint(url, model, secret, timeout, temperature, max_tokens)


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds that the endpoint asks for, at least a half and at most ten."""
    try:
        wanted = float(headers.get("retry-after", "1"))
    except ValueError:
        wanted = 1.0
    return min(max(wanted, 0.5), LONGEST_WAIT) if wanted == wanted else 1.0


def _complaint(body: bytes) -> str:
    """What an endpoint says of its refusal, where it says something short."""
    try:
        told: Any = json.loads(body)
        said = told["error"]["message"] if isinstance(told["error"], dict) else told["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    plain = " ".join(str(said).split())[:200].rstrip(".")
    return f": {plain}" if plain else ""


def _text(body: bytes, where: str) -> str:
    """The text of a chat answer.

    Raises LanguageRefused when it is none.
    """
    try:
        told: Any = json.loads(body)
    except ValueError:
        raise LanguageRefused(f"{where}: the answer is not JSON. Remedy: is `language.url` a chat endpoint?") from None
    choices = told.get("choices") if isinstance(told, dict) else None
    try:
        said = choices[0]["message"]["content"]  # type: ignore[index]
    except (TypeError, KeyError, IndexError):
        said = None
    if not isinstance(said, str) or not said.strip():
        raise LanguageRefused(f"{where}: the answer has no text. Remedy: more `language.max_tokens`, or another model")
    return said


def as_json(text: str) -> dict[str, Any]:
    """The JSON object in a model's text, which likes to put words or a fence around it.

    Raises LanguageRefused when there is none.

    >>> as_json('Here it is: ```json {"name": "Regulars"} ```')
    {'name': 'Regulars'}
    """
    begin, end = text.find("{"), text.rfind("}")
    thought = re.sub(r"(?s)<think>.*?</think>", "", text)
    if thought != text:
        return as_json(thought)
    try:
        found = json.loads(text[begin : end + 1]) if 0 <= begin < end else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise LanguageRefused("the answer is not the JSON object that was asked for")
    return found
