//! A clock that is stepped by ten minutes, as when a virtual machine wakes up or someone sets it: nothing fails on our side, nothing is
//! accepted twice, and people stay signed in.

use trinco_testkit::{Answer, Method, Tokens, USER, World, query_of};

const STEP: i64 = 600;

/// A world where somebody has signed in, and what came of it.
struct SignedIn {
    world: World,
    app: String,
    browser: trinco_testkit::Browser,
    /// Redeemed.
    code: String,
    /// Rotated away.
    first: String,
    tokens: Tokens,
}

impl SignedIn {
    async fn start() -> Self {
        let world = World::start().await;
        let app = world.admin.single_page("Page").await;
        let browser = world.server.browser();
        let url = world.server.authorization_url(&app, "openid offline_access", &[]);
        let code = browser.authorize(&url, USER).await;
        let client = (app.as_str(), "");
        let tokens = Tokens(world.server.exchange(client, &code).await.expect(200).json());
        let first = tokens.refresh().to_owned();
        let tokens = Tokens(world.refresh(client, &first, &[]).await.expect(200).json());
        Self { world, app, browser, code, first, tokens }
    }

    fn client(&self) -> (&str, &str) {
        (&self.app, "")
    }

    async fn userinfo(&self, token: &str) -> Answer {
        let request = self.browser.request(Method::GET, "/oidc/me").bearer_auth(token);
        Answer::to(request).await
    }

    /// A code without a page: the session is known.
    async fn silent_code(&self) -> String {
        let silent = [("prompt", "none")];
        let url = self.world.server.authorization_url(&self.app, "openid", &silent);
        let target = self.browser.get(&url).await.location().to_owned();
        query_of(&target).remove("code").unwrap_or_else(|| panic!("no code: {target}"))
    }

    /// Everything that has to go on whatever the clock did.
    async fn goes_on(&self) {
        let client = self.client();
        self.userinfo(self.tokens.access()).await.expect(200);
        // A JWT from the future is refused until its time has come; whoever asks for a new one gets on.
        let mut admin = self.world.admin.clone();
        admin.renew().await;
        admin.get("/api/users").await.expect(200);
        let code = self.silent_code().await;
        let tokens = Tokens(self.world.server.exchange(client, &code).await.expect(200).json());
        self.userinfo(tokens.access()).await.expect(200);
        self.world.server.exchange(client, &code).await.expect(400);
        // Somebody who was not here before.
        let url = self.world.server.authorization_url(&self.app, "openid", &[]);
        let code = self.world.server.browser().authorize(&url, USER).await;
        self.world.server.exchange(client, &code).await.expect(200);
    }
}

#[tokio::test]
async fn a_clock_that_is_stepped_back_accepts_nothing_twice() {
    let it = SignedIn::start().await;
    it.world.server.clock().step(-STEP);
    it.goes_on().await;
    // The spent token is as if it had been spent just now: the same request may come again, and learns of no second chain.
    let again = it.world.refresh(it.client(), &it.first, &[]).await;
    if again.status == 200 {
        assert_eq!(Tokens(again.json()).refresh(), it.tokens.refresh());
    } else {
        again.expect(400);
    }
    // A code is spent whatever time it is, and whoever presents it again has stolen it.
    let replayed = it.world.server.exchange(it.client(), &it.code).await.expect(400).json();
    assert_eq!(replayed["error"], "invalid_grant");
    it.world.refresh(it.client(), it.tokens.refresh(), &[]).await.expect(400);
}

#[tokio::test]
async fn a_clock_that_is_stepped_forward_ends_codes_and_nothing_that_lives_longer() {
    let it = SignedIn::start().await;
    let waiting = it.silent_code().await;
    it.world.server.clock().step(STEP);
    let late = it.world.server.exchange(it.client(), &waiting).await.expect(400).json();
    assert_eq!(late["error"], "invalid_grant");
    it.goes_on().await;
    let refreshed = it.world.refresh(it.client(), it.tokens.refresh(), &[]).await.expect(200);
    // And back to where it was: what was made in between lies in the future now.
    it.world.server.clock().step(-STEP);
    it.goes_on().await;
    let newest = Tokens(refreshed.json());
    it.world.refresh(it.client(), newest.refresh(), &[]).await.expect(200);
    // Refused for its age alone, nobody has taken it.
    it.world.server.exchange(it.client(), &waiting).await.expect(200);
    it.world.server.exchange(it.client(), &waiting).await.expect(400);
}
