"""Authlib against the server: its session for programs, its client for Flask, its protector of APIs."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

# The server under test is on loopback, without https.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2 import rfc8414, rfc9207
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oidc import rpinitiated
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from flask import Flask, jsonify, redirect, session, url_for
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from support import (
    API,
    MANAGEMENT_API,
    POST_LOGOUT_REDIRECT_URI,
    REDIRECT_URI,
    Agent,
    Client,
    Server,
    free_port,
)
from werkzeug.serving import make_server

SCOPE = "openid offline_access profile"


def metadata(server: Server) -> dict:
    return requests.get(f"{server.issuer}/.well-known/openid-configuration", timeout=10).json()


def session_of(server: Server, client: Client, method: str, **more) -> OAuth2Session:
    return OAuth2Session(
        client.id,
        client.secret or None,
        scope=SCOPE,
        redirect_uri=REDIRECT_URI,
        token_endpoint=f"{server.issuer}/token",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        code_challenge_method="S256",
        **more,
    )


def sign_in(server: Server, agent: Agent, oauth: OAuth2Session, verifier: str, **more) -> dict:
    nonce = "n-" + verifier[:20]
    url, state = oauth.create_authorization_url(
        f"{server.issuer}/auth", code_verifier=verifier, nonce=nonce, prompt="consent", **more
    )
    answer = agent.until(REDIRECT_URI, url)
    token = oauth.fetch_token(authorization_response=answer, state=state, code_verifier=verifier)
    claims = id_token_claims(server, token, oauth.client_id, nonce)
    assert claims["sub"] == server.person.id
    assert claims["username"] == server.person.username
    return token


def id_token_claims(server: Server, token: dict, client_id: str, nonce: str) -> dict:
    """Validated by Authlib's rules of OpenID Connect Core §3.1.3.7."""
    document = metadata(server)
    keys = KeySet.import_key_set(requests.get(document["jwks_uri"], timeout=10).json())
    registry = JWSRegistry(
        algorithms=document["id_token_signing_alg_values_supported"], strict_check_header=False
    )
    decoded = jwt.decode(token["id_token"], keys, registry=registry)
    expected = {"nonce": nonce, "client_id": client_id, "access_token": token["access_token"]}
    options = {"iss": {"values": [document["issuer"]]}}
    claims = CodeIDToken(decoded.claims, decoded.header, options, expected)
    claims.validate(leeway=5)
    return claims


def use(server: Server, oauth: OAuth2Session, token: dict) -> None:
    """Userinfo, refresh, introspection, revocation."""
    document = metadata(server)
    profile = oauth.get(document["userinfo_endpoint"])
    assert (profile.status_code, profile.json()["name"]) == (200, "Ana Souza")
    refreshed = oauth.refresh_token()
    assert refreshed["access_token"] != token["access_token"]
    assert oauth.get(document["userinfo_endpoint"]).json()["sub"] == server.person.id

    current = refreshed.get("refresh_token") or token["refresh_token"]
    seen = oauth.introspect_token(document["introspection_endpoint"], token=current).json()
    assert (seen["active"], seen["client_id"]) == (True, oauth.client_id)
    answer = oauth.revoke_token(
        document["revocation_endpoint"], token=current, token_type_hint="refresh_token"
    )
    assert answer.status_code == 200
    assert oauth.introspect_token(document["introspection_endpoint"], token=current).json() == {
        "active": False
    }
    with pytest.raises(AuthlibBaseError) as refusal:
        oauth.refresh_token(refresh_token=current)
    assert refusal.value.error == "invalid_grant"


VERIFIER = "MYqr0KjZe_7S7nK6qgwyw_grQCU7N6CBnz2B5uLosq8"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_it_signs_in_with_its_secret(server: Server, agent: Agent, method: str) -> None:
    oauth = session_of(server, server.register("Traditional"), method)
    use(server, oauth, sign_in(server, agent, oauth, VERIFIER))


@pytest.mark.parametrize("kind", ["SPA", "Native"])
def test_it_signs_in_without_a_secret(server: Server, agent: Agent, kind: str) -> None:
    oauth = session_of(server, server.register(kind), "none")
    use(server, oauth, sign_in(server, agent, oauth, VERIFIER))


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", RSAKey.generate_key(2048)),
        ("PS256", RSAKey.generate_key(2048)),
        ("ES256", ECKey.generate_key("P-256")),
        ("ES384", ECKey.generate_key("P-384")),
        ("EdDSA", OKPKey.generate_key("Ed25519")),
        ("Ed25519", OKPKey.generate_key("Ed25519")),
    ],
)
def test_it_signs_in_with_a_key_of_its_own(
    server: Server, agent: Agent, algorithm: str, key
) -> None:
    jwk = key.as_dict(private=False) | {"alg": algorithm, "use": "sig"}
    client = server.register("Traditional", {"jwks": {"keys": [jwk]}})
    oauth = session_of(server, Client(client.id, key), "private_key_jwt")
    oauth.register_client_auth_method(PrivateKeyJWT(f"{server.issuer}/token", alg=algorithm))
    use(server, oauth, sign_in(server, agent, oauth, VERIFIER))


def test_a_machine_gets_a_token(server: Server) -> None:
    with OAuth2Session(
        server.machine.id, server.machine.secret, token_endpoint=f"{server.issuer}/token"
    ) as oauth:
        token = oauth.fetch_token(
            grant_type="client_credentials", resource=MANAGEMENT_API, scope="all"
        )
        assert token["scope"] == "all"
        assert oauth.get(f"{server.endpoint}/api/applications").status_code == 200
        with pytest.raises(AuthlibBaseError) as refusal:
            oauth.fetch_token(grant_type="client_credentials", resource="https://nobody.example/")
        assert refusal.value.error == "invalid_target"


def test_an_expired_token_is_refreshed_on_the_way(server: Server, agent: Agent) -> None:
    renewed = []
    oauth = session_of(
        server,
        server.register("Traditional"),
        "client_secret_basic",
        update_token=lambda token, refresh_token=None, access_token=None: renewed.append(
            (token, refresh_token)
        ),
    )
    token = sign_in(server, agent, oauth, VERIFIER)
    oauth.token = dict(token) | {"expires_at": 1}
    assert oauth.get(f"{server.issuer}/me").json()["sub"] == server.person.id
    assert len(renewed) == 1
    assert renewed[0][0]["access_token"] != token["access_token"]


@pytest.fixture(scope="module")
def rsa(server: Server) -> None:
    """From here on the server signs with an RSA key, too. Authlib insists on it: in the metadata (OpenID Connect Discovery §3),
    and its check of access tokens knows no algorithm of ours but RS256 and ES256."""
    server.command("key", "rotate", "--algorithm", "RS256", "--grace-period", "0")


def test_the_metadata_keeps_to_its_standards(server: Server, rsa: None) -> None:
    document = metadata(server)
    OpenIDProviderMetadata(document).validate(
        metadata_classes=[rpinitiated.OpenIDProviderMetadata, rfc9207.AuthorizationServerMetadata]
    )
    well_known = rfc8414.get_well_known_url(server.issuer, external=True)
    answer = requests.get(well_known, timeout=10)
    assert answer.json() == document
    rfc8414.AuthorizationServerMetadata(answer.json()).validate()


class Orders(JWTBearerTokenValidator):
    """The API's own check of access tokens, by RFC 9068."""

    def get_jwks(self) -> dict:
        return requests.get(f"{self.issuer}/jwks", timeout=10).json()


@dataclass
class App:
    base_url: str
    client: Client


@pytest.fixture(scope="module")
def app(server: Server, rsa: None) -> Iterator[App]:
    """A Flask app with a protected API."""
    port = free_port()
    base_url = f"http://localhost:{port}"
    uris = {"redirectUris": [f"{base_url}/callback"], "postLogoutRedirectUris": [f"{base_url}/"]}
    client = server.register("Traditional", uris)
    flask = Flask("app")
    flask.secret_key = "of no importance"
    oauth = OAuth(flask)
    oauth.register(
        "trinco",
        client_id=client.id,
        client_secret=client.secret,
        server_metadata_url=f"{server.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": f"{SCOPE} read:orders", "code_challenge_method": "S256"},
    )
    require_oauth = ResourceProtector()
    require_oauth.register_token_validator(Orders(server.issuer, API))

    @flask.get("/")
    def home():
        return jsonify(session.get("user"))

    @flask.get("/sign-in")
    def sign_in():
        return oauth.trinco.authorize_redirect(
            url_for("callback", _external=True), prompt="consent", resource=API
        )

    @flask.get("/callback")
    def callback():
        # Checks state, nonce and the ID token.
        token = oauth.trinco.authorize_access_token()
        session["user"] = token["userinfo"]
        session["token"] = {"id_token": token["id_token"], "refresh_token": token["refresh_token"]}
        return redirect("/done")

    @flask.get("/token")
    def token():
        return jsonify(session["token"])

    @flask.get("/sign-out")
    def sign_out():
        hint = session.pop("token")["id_token"]
        session.clear()
        return redirect(oauth.trinco.create_logout_url(f"{base_url}/", hint, "bye")["url"])

    @flask.get("/orders")
    @require_oauth("read:orders")
    def orders():
        return jsonify(customer=current_token["sub"])

    @flask.get("/secrets")
    @require_oauth("read:secrets")
    def secrets():
        return jsonify()

    listener = make_server("127.0.0.1", port, flask, threaded=True)
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    yield App(base_url, client)
    listener.shutdown()
    thread.join()


def test_a_person_signs_in_to_a_flask_app_and_out(server: Server, agent: Agent, app: App) -> None:
    agent.until(f"{app.base_url}/done", f"{app.base_url}/sign-in")
    user = agent.open(f"{app.base_url}/").json()
    assert (user["sub"], user["username"]) == (server.person.id, server.person.username)
    farewell = agent.until(f"{app.base_url}/", f"{app.base_url}/sign-out")
    assert farewell.endswith("?state=bye")
    assert agent.open(f"{app.base_url}/").json() is None
    page = agent.open(f"{app.base_url}/sign-in")
    assert 'name="password"' in page.text


def test_an_api_lets_in_whom_the_token_allows(server: Server, agent: Agent, app: App) -> None:
    agent.until(f"{app.base_url}/done", f"{app.base_url}/sign-in")
    kept = agent.open(f"{app.base_url}/token").json()
    oauth = session_of(server, app.client, "client_secret_basic")
    token = oauth.refresh_token(
        refresh_token=kept["refresh_token"], resource=API, scope="read:orders"
    )
    assert token["scope"] == "read:orders"

    def ask(path: str, access_token: str | None) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"} if access_token else {}
        return requests.get(app.base_url + path, headers=headers, timeout=10)

    answer = ask("/orders", token["access_token"])
    assert (answer.status_code, answer.json()) == (200, {"customer": server.person.id})
    assert ask("/secrets", token["access_token"]).status_code == 403
    assert ask("/orders", None).status_code == 401
    # Of another audience, and no access token at all.
    machine = OAuth2Session(
        server.machine.id, server.machine.secret, token_endpoint=f"{server.issuer}/token"
    )
    foreign = machine.fetch_token(
        grant_type="client_credentials", resource=MANAGEMENT_API, scope="all"
    )
    for stranger in [foreign["access_token"], kept["id_token"], "nonsense"]:
        assert ask("/orders", stranger).status_code == 401


def test_it_refreshes_with_the_scopes_it_once_asked_for(server: Server, agent: Agent) -> None:
    """The library repeats them without being told, those of an API included, whose token is not asked for here."""
    oauth = session_of(server, server.register("Traditional"), "client_secret_basic")
    oauth.scope = f"{SCOPE} read:orders"
    token = sign_in(server, agent, oauth, VERIFIER, resource=API)
    assert oauth.refresh_token()["access_token"] != token["access_token"]


def test_it_signs_out_at_the_server(server: Server, agent: Agent) -> None:
    client = server.register("Traditional")
    oauth = session_of(server, client, "client_secret_basic")
    token = sign_in(server, agent, oauth, VERIFIER)
    query = {
        "id_token_hint": token["id_token"],
        "post_logout_redirect_uri": POST_LOGOUT_REDIRECT_URI,
        "state": "bye",
    }
    url = (
        requests.Request("GET", metadata(server)["end_session_endpoint"], params=query)
        .prepare()
        .url
    )
    assert agent.until(POST_LOGOUT_REDIRECT_URI, url).endswith("?state=bye")
