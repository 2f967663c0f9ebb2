"""What Authlib meets: a server of its own, and a browser without JavaScript that signs in to it."""

import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import requests

# Nothing listens there: the agent stops before it.
REDIRECT_URI = "https://client.example/callback"
POST_LOGOUT_REDIRECT_URI = "https://client.example/goodbye"
# An API that the person may read orders of.
API = "https://orders.example/api"
MANAGEMENT_API = "https://default.logto.app/api"


@dataclass
class Client:
    id: str
    secret: str


@dataclass
class Person:
    id: str
    username: str
    password: str


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server on a free port with a data folder of its own."""

    def __init__(self, logs: Path) -> None:
        program = os.path.abspath(os.environ["TRINCO_BIN"])
        port = free_port()
        self.endpoint = f"http://localhost:{port}"
        self.issuer = f"{self.endpoint}/oidc"
        self._folder = tempfile.TemporaryDirectory(prefix="trinco-authlib-")
        data = f"{self._folder.name}/data"
        # The server refuses TRINCO_ variables it does not know, and the tests have some of their own.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("TRINCO_")
        }
        environment |= {"PORT": str(port), "ENDPOINT": self.endpoint}
        logs.mkdir(parents=True, exist_ok=True)
        self._log = (logs / "server.log").open("ab")
        self._program = lambda *words: [program, *words, "--data", data]
        self._common = {"cwd": self._folder.name, "env": environment}
        self._process = subprocess.Popen(
            self._program("serve"), stdout=self._log, stderr=self._log, **self._common
        )
        try:
            self._wait_until_ready()
            machine = json.loads(self.command("init", "--json"))
            self.machine = Client(machine["appId"], machine["appSecret"])
            self._api = self._management_api()
            self.person = self._create_person()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._folder.cleanup()

    def command(self, *words: str) -> str:
        """Runs the server's own command line next to it."""
        done = subprocess.run(
            self._program(*words), check=True, capture_output=True, text=True, **self._common
        )
        return done.stdout

    def register(
        self, kind: str, metadata: dict | None = None, custom: dict | None = None
    ) -> Client:
        """An application; one without a secret has an empty one."""
        interactive = kind != "MachineToMachine"
        uris = {
            "redirectUris": [REDIRECT_URI] if interactive else [],
            "postLogoutRedirectUris": [POST_LOGOUT_REDIRECT_URI] if interactive else [],
        }
        application = self.create(
            "applications",
            {
                "name": f"{kind} client",
                "type": kind,
                "oidcClientMetadata": uris | (metadata or {}),
                "customClientMetadata": custom or {},
            },
        )
        if kind in ("SPA", "Native"):
            return Client(application["id"], "")
        answer = self._api.get(f"{self.endpoint}/api/applications/{application['id']}/secrets")
        answer.raise_for_status()
        return Client(application["id"], answer.json()[0]["value"])

    def create(self, path: str, body: dict) -> dict:
        answer = self._api.post(f"{self.endpoint}/api/{path}", json=body)
        assert answer.ok, f"POST /api/{path} answered {answer.status_code}: {answer.text}"
        # Some calls answer with nothing, some with the word `Created`.
        return answer.json() if answer.text.startswith("{") else {}

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"the server ended; see {self._log.name}"
            try:
                if requests.get(f"{self.endpoint}/api/status", timeout=5).status_code == 204:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise TimeoutError(f"the server gave no answer; see {self._log.name}")

    def management_token(self) -> str:
        """A token for everything the Management API can do."""
        answer = requests.post(
            f"{self.issuer}/token",
            auth=(self.machine.id, self.machine.secret),
            data={"grant_type": "client_credentials", "resource": MANAGEMENT_API, "scope": "all"},
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()["access_token"]

    def _management_api(self) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.management_token()}"
        return session

    def _create_person(self) -> Person:
        username, password = f"person_{secrets.token_hex(5)}", secrets.token_urlsafe(12)
        user = {"username": username, "password": password, "name": "Ana Souza"}
        person = Person(self.create("users", user)["id"], username, password)
        resource = self.create("resources", {"name": "Orders", "indicator": API})
        scope = self.create(f"resources/{resource['id']}/scopes", {"name": "read:orders"})
        role = {
            "name": "reads orders",
            "description": "Reads orders.",
            "type": "User",
            "scopeIds": [scope["id"]],
        }
        self.create(f"users/{person.id}/roles", {"roleIds": [self.create("roles", role)["id"]]})
        return person


class _Forms(HTMLParser):
    """Reads the forms of a page: their action, fields and the names of their fields and buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict] = []
        self.submits_itself = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.submits_itself |= "data-auto-submit" in values
            self.forms.append({"action": values.get("action") or "", "fields": {}, "names": set()})
        elif tag in ("input", "button") and values.get("name") and self.forms:
            self.forms[-1]["names"].add(values["name"])
            if tag == "input":
                self.forms[-1]["fields"][values["name"]] = values.get("value") or ""


class Agent:
    """A browser without JavaScript: cookies, redirects, forms."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._session = requests.Session()
        self._session.headers["Accept"] = "text/html"

    def until(self, address: str, url: str) -> str:
        """Goes to `url` and on, until the next request would be one to `address`; returns its URL."""
        method, fields = "GET", None
        for _ in range(30):
            if url == address or url.startswith(f"{address}?"):
                return url
            answer = self._session.request(
                method, url, data=fields, allow_redirects=False, timeout=10
            )
            method, fields = "GET", None
            if answer.is_redirect:
                url = urljoin(url, answer.headers["location"])
                continue
            page = _Forms()
            page.feed(answer.text)
            form = next((form for form in page.forms if self._fill_in(form, page, answer)), None)
            assert form, (
                f"{url} answered {answer.status_code} on the way to {address}: {answer.text}"
            )
            method, fields, url = "POST", form["fields"], urljoin(url, form["action"])
        raise AssertionError(f"{url} leads round in circles")

    def open(self, url: str) -> requests.Response:
        return self._session.get(url, timeout=10)

    def _fill_in(self, form: dict, page: _Forms, answer: requests.Response) -> bool:
        if not answer.ok:
            return False
        if "identifier" in form["names"]:
            form["fields"] |= {"identifier": self.person.username, "password": self.person.password}
            return True
        return page.submits_itself
