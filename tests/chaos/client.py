"""A client that never gives up: it repeats each request with the same Idempotency-Key until it is answered, and remembers the answers."""

import http.client
import json
import random
import threading
import time
from pathlib import Path
from typing import Any

from tests.acceptance.served import Answer, Up

PAUSE_S = 0.02


class Client:
    """One thread that starts runs and decides what waits; what it tells stands in a file, as a life's does."""

    def __init__(self, up: Up, acks: Path, workflows: dict[str, str], *, seed: int) -> None:
        self.up = up
        """The server of the moment; whoever starts another one puts it here."""
        self._acks = acks
        self._workflows = workflows
        self._seed = seed
        self._chance = random.Random(seed)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="client", daemon=True)
        self.asked: list[str] = []
        """The keys of all starts, answered or not."""
        self.repeated = 0
        self.errors: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive(), "a request was never answered"
        assert not self.errors, self.errors

    def _tell(self, what: str, **more: Any) -> None:
        with self._acks.open("a") as told:
            told.write(json.dumps({"what": what, **more}) + "\n")

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self._start_one()
                if self._chance.random() < 0.5:
                    self._decide()
            except Exception as error:
                self.errors.append(f"{type(error).__name__}: {error}")
                return
            time.sleep(self._chance.random() * PAUSE_S)

    def _ask(self, method: str, path: str, body: Any = None, *, key: str = "") -> Answer:
        """The answer, however many servers it takes."""
        while True:
            try:
                answer = self.up.call(method, path, body, headers={"Idempotency-Key": key} if key else None)
                if answer.status < 500:
                    return answer
            except (OSError, http.client.HTTPException):
                self.repeated += 1
            time.sleep(PAUSE_S)

    def _start_one(self) -> None:
        name = self._chance.choice(list(self._workflows))
        n = len(self.asked)
        key = f"{self._seed}-{n}"
        self.asked.append(key)
        # Now and then the whole request is sent again although it was answered.
        for _ in range(self._chance.choice((1, 1, 1, 2))):
            answer = self._ask("POST", f"/api/v1/workflows/{self._workflows[name]}/runs", {"inputs": {"n": n}}, key=key)
            assert answer.status == 202, answer
            self._tell("start", run=answer.body["run_id"], key=key, workflow=name, n=n)

    def _decide(self) -> None:
        for item in self._ask("GET", "/api/v1/approvals?status=pending").body["items"][:5]:
            asked = {"decision": self._chance.choice(["approve", "reject"]), "digest": item["digest"]}
            answer = self._ask("POST", f"/api/v1/approvals/{item['id']}/decide", asked, key=f"{self._seed}-{item['id']}")
            if answer.status == 409:
                # The server died between the decision and its answer.
                assert answer.body["error"]["code"] == "already_decided", answer
                continue
            assert answer.status == 200, answer
            self._tell("decided", item=item["id"], run=item["run_id"], path=item["path"], decision=answer.body["decision"])
