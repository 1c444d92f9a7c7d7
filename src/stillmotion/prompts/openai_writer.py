"""A writer behind any server that speaks OpenAI's chat completions: vLLM, Ollama, llama.cpp and others.

The address comes from the user's own command line, never from a prompt. The key comes from the environment
alone and appears in no message. A server that fails, answers late or answers nonsense costs a fallback,
never the work.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from stillmotion.errors import InputError
from stillmotion.prompts.language import MAX_NEW_TOKENS, TEMPERATURE, TOP_P, Messages, NoAnswer, write_with
from stillmotion.prompts.writers import Brief, Written

KEY_VARIABLES = ("STILLMOTION_OPENAI_KEY", "OPENAI_API_KEY")
_MAX_ANSWER_BYTES = 1 << 20
_ATTEMPTS = 2


class OpenAIWriter:
    """Asks `base_url` + "/chat/completions".

    `model` None takes the server's first. `timeout` is in seconds for a whole answer; one retry follows a
    failed connection, a late answer or a status of 429 or 5xx.
    """

    def __init__(self, base_url: str, model: str | None = None, timeout: float = 120.0) -> None:
        address = base_url.strip().rstrip("/")
        try:
            parts = urlsplit(address)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            usable = False
        if not usable:
            raise InputError(
                f"writer: {base_url!r} is no http address; write openai:http://localhost:8000/v1#MODEL"
            )
        if parts.username or parts.password or parts.query:
            raise InputError(
                f"writer: put no key into the address; set {KEY_VARIABLES[0]} in the environment"
            )
        self._address, self._model, self._timeout = address, model or None, timeout

    @property
    def name(self) -> str:
        """For instance "openai:BASE_URL#MODEL"."""
        return f"openai:{self._address}" + (f"#{self._model}" if self._model else "")

    def write(self, brief: Brief) -> Written:
        """Both prompts from the server, or by rules where it fails."""
        return write_with(self._ask, brief)

    def _ask(self, messages: Messages) -> object:
        body = {
            "model": self._chosen_model(),
            "messages": messages,
            "temperature": TEMPERATURE,
            "top_p": TOP_P,
            "max_tokens": MAX_NEW_TOKENS,
            "stream": False,
        }
        answer = self._request("POST", "/chat/completions", body)
        try:
            return answer["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError):
            raise NoAnswer("the server's answer has no choices[0].message.content") from None

    def _chosen_model(self) -> str:
        if self._model is None:
            listed = self._request("GET", "/models", None)
            try:
                self._model = str(listed["data"][0]["id"])
            except (KeyError, IndexError, TypeError):
                raise NoAnswer("the server names no model; add #MODEL to the address") from None
        return self._model

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        reason = ""
        for _ in range(_ATTEMPTS):
            try:
                status, data = self._exchange(method, path, body)
            except httpx.TimeoutException:
                reason = f"no answer within {self._timeout:g} s"
                continue
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                reason = f"no connection to {self._address} ({type(error).__name__})"
                continue
            if status == 200:
                try:
                    return json.loads(data)
                except (ValueError, RecursionError):
                    raise NoAnswer("the server's answer is not JSON") from None
            reason = f"the server answered with status {status}"
            if status != 429 and status < 500:
                break
        raise NoAnswer(reason)

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        """One request; a server that drips its answer past the time limit is late, one that floods is cut
        off.
        """
        deadline = time.monotonic() + self._timeout
        key = next((os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)), None)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        pieces: list[bytes] = []
        size = 0
        with (
            httpx.Client(timeout=self._timeout, follow_redirects=False) as client,
            client.stream(method, self._address + path, json=body, headers=headers) as response,
        ):
            for piece in response.iter_bytes():
                size += len(piece)
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("late")
                if size > _MAX_ANSWER_BYTES:
                    raise NoAnswer("the server's answer is larger than 1 MiB")
                pieces.append(piece)
            return response.status_code, b"".join(pieces)
