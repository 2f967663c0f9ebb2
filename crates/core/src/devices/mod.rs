//! Devices: sign-in for what has no keyboard or browser (RFC 8628). The device shows a code, its user types it elsewhere, signs in
//! and allows the device; the device meanwhile polls the token endpoint (see [`crate::grants`]).

mod model;
mod store;

use trinco_db::{Conn, Tx};
use trinco_jose::base64url_encode;
use trinco_oauth::authorization::{DeviceAuthorization, UserCode};
use trinco_oauth::{AuthorizationRequest, Client, ErrorCode, Params};

pub(crate) use model::DeviceCode;
pub use model::{Entered, Visitor};

use model::{ATTEMPT_WINDOW_MS, LIFETIME_MS, MOST_ATTEMPTS, MOST_ATTEMPTS_OF_STRANGERS};

use crate::audit::{self, Entry, Outcome};
use crate::interactions::{self, DeviceConfirmation, Interaction};
use crate::sessions::Session;
use crate::{Alphabet, Error, Result, Tenant, TokenHash, consents, grants, sessions};

/// Two live user codes are the same once in billions; then another one is drawn, at most this often.
const DRAWS: usize = 4;
/// The counter that visitors who are not signed in share.
const STRANGERS: &str = "-";

/// Begins the authorization of a device (RFC 8628 §3.1).
///
/// # Errors
/// `unauthorized_client` for a client that does not use device codes; `invalid_request`, `invalid_scope`, `invalid_target`.
pub async fn authorize(
    tenant: &Tenant,
    client: &Client,
    params: &Params,
) -> Result<DeviceAuthorization> {
    let request = interactions::validate_device(tenant, client, params).await?;
    // What the operator adds to the list later, the device has not asked for.
    let snapshot = tenant.snapshot();
    let request = match snapshot.applications.get(&client.client_id) {
        Some(registered) => consents::limit_request(&snapshot, registered, request),
        None => request,
    };
    let request = serde_json::to_string(&request)?;
    for _ in 0..DRAWS {
        let device_code = tenant.new_token();
        let letters = Alphabet::UserCode.random(tenant.randomness(), UserCode::LENGTH);
        let user_code = UserCode::parse(&letters)
            .ok_or_else(|| Error::Internal("a drawn user code is none".to_owned()))?;
        let now = tenant.now_ms();
        let new = store::NewDeviceCode {
            hash: TokenHash::of(&device_code),
            user_code_hash: hashes(tenant, &user_code).swap_remove(0),
            client_id: client.client_id.clone(),
            request: request.clone(),
            created_at: now,
            expires_at: now + LIFETIME_MS,
        };
        match tenant.write(new, |tx, new| Box::pin(store::insert(tx, new))).await {
            Err(Error::Database(trinco_db::Error::Unique { .. })) => {}
            Err(error) => return Err(error),
            Ok(()) => {
                let page = format!("{}/device", tenant.issuer());
                return Ok(DeviceAuthorization {
                    verification_uri_complete: format!("{page}?user_code={user_code}"),
                    verification_uri: page,
                    device_code,
                    user_code: user_code.to_string(),
                    expires_in: LIFETIME_MS / 1000,
                });
            }
        }
    }
    Err(Error::Internal("no free user code was found".to_owned()))
}

/// Takes the code a person typed and begins the interaction in which they answer. The attempt is charged before the look and given
/// back when the code was right, all in one transaction, so that guessing in parallel gains nothing (RFC 8628 §5.1).
///
/// # Errors
/// When the database does not answer.
pub async fn enter(tenant: &Tenant, code: &UserCode, visitor: Visitor<'_>) -> Result<Entered> {
    let (source, is_stranger) = match visitor {
        Visitor::SignedIn { user_id } => (format!("user:{user_id}"), false),
        Visitor::Stranger { browser } => {
            (format!("browser:{}", TokenHash::of(browser).as_str()), true)
        }
    };
    let attempt =
        Attempt { source, is_stranger, codes: hashes(tenant, code), now: tenant.now_ms() };
    let look = tenant.write(attempt, |tx, attempt| Box::pin(look(tx, attempt))).await?;
    let (hash, request) = match look {
        Look::Found(hash, request) => (hash, request),
        Look::NotFound => return Ok(Entered::Wrong),
        Look::TooMany => return Ok(Entered::TooManyAttempts),
        Look::TooManyOfStrangers => {
            let begun = interactions::begin_before_code(tenant).await?;
            return Ok(begun.map_or(Entered::Wrong, |(client_id, interaction_id)| {
                Entered::SignInFirst { client_id, interaction_id }
            }));
        }
    };
    let interaction_id = interactions::begin(tenant, &request).await?;
    let input = (hash, TokenHash::of(interaction_id.reveal()), tenant.now_ms());
    let linked = tenant
        .write(input, |tx, (hash, interaction, now)| {
            Box::pin(store::set_interaction(tx, hash, interaction, *now))
        })
        .await?;
    Ok(if linked {
        Entered::Right { client_id: request.client_id, interaction_id }
    } else {
        Entered::Wrong
    })
}

/// A code that is about to be looked up.
struct Attempt {
    source: String,
    is_stranger: bool,
    codes: Vec<TokenHash>,
    now: i64,
}

enum Look {
    Found(TokenHash, Box<AuthorizationRequest>),
    NotFound,
    TooMany,
    TooManyOfStrangers,
}

/// Counts the attempt and looks. The strangers' count comes first: beyond it nothing is written, however many browsers come.
async fn look(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<Look> {
    let Attempt { source, is_stranger, codes, now } = attempt;
    let until = now + ATTEMPT_WINDOW_MS;
    if *is_stranger
        && !store::charge(tx, STRANGERS, MOST_ATTEMPTS_OF_STRANGERS, *now, until).await?
    {
        return Ok(Look::TooManyOfStrangers);
    }
    let is_allowed = store::charge(tx, source, MOST_ATTEMPTS, *now, until).await?;
    let mut found = None;
    for code in codes.iter().filter(|_| is_allowed) {
        found = store::find_pending(tx, code, *now).await?;
        if found.is_some() {
            break;
        }
    }
    let is_counted = is_allowed && found.is_none();
    if *is_stranger && !is_counted {
        store::give_back(tx, STRANGERS).await?;
    }
    if found.is_some() {
        store::give_back(tx, source).await?;
    }
    Ok(match found {
        Some((hash, request)) => Look::Found(hash, Box::new(request)),
        None if is_allowed => Look::NotFound,
        None => Look::TooMany,
    })
}

/// Of the codes a person has typed, the one under which a device still waits for the answer of this interaction.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(
    tenant: &Tenant,
    confirmation: &DeviceConfirmation,
    typed: Vec<UserCode>,
) -> Result<Option<UserCode>> {
    let mut conn = tenant.read().await?;
    let interaction = confirmation.interaction.id_hash();
    let hash = store::waiting(&mut conn, interaction, tenant.now_ms()).await?;
    let Some(hash) = hash else { return Ok(None) };
    Ok(typed.into_iter().find(|code| hashes(tenant, code).contains(&hash)))
}

/// The person's answer. It is given once, and ends the interaction.
///
/// # Errors
/// `session.not_found` when the interaction or the code has ended meanwhile.
pub async fn answer(tenant: &Tenant, confirmation: &DeviceConfirmation, allow: bool) -> Result<()> {
    let DeviceConfirmation { interaction, request, session, .. } = confirmation;
    if !allow {
        return deny(tenant, interaction, Some(session), ErrorCode::AccessDenied).await;
    }
    let grantor = grants::Grantor {
        user_id: &session.user_id,
        session_id: &session.id,
        authenticated_at: session.authenticated_at,
    };
    let grant = grants::prepare_for_device(tenant, request, grantor);
    let entry = entry(tenant, interaction, Some(session), Outcome::Success);
    settle(tenant, interaction, Some((session.id.clone(), grant)), entry).await
}

/// The device gets nothing, and is told so when it next asks: the person does not want it, or may not use the application. Ends the
/// interaction.
///
/// # Errors
/// As [`answer`].
pub(crate) async fn deny(
    tenant: &Tenant,
    interaction: &Interaction,
    session: Option<&Session>,
    reason: ErrorCode,
) -> Result<()> {
    let entry = entry(tenant, interaction, session, Outcome::Error).fact("error", reason.as_str());
    settle(tenant, interaction, None, entry).await
}

fn entry(
    tenant: &Tenant,
    interaction: &Interaction,
    session: Option<&Session>,
    outcome: Outcome,
) -> Entry {
    let entry =
        Entry::new(tenant, "Interaction.End", outcome).application(&interaction.request.client_id);
    match session {
        Some(session) => entry.user(&session.user_id),
        None => entry,
    }
}

/// Ends the interaction and notes the answer to its device: a grant within a session, or none.
async fn settle(
    tenant: &Tenant,
    interaction: &Interaction,
    allowed: Option<(String, grants::NewGrant)>,
    entry: Entry,
) -> Result<()> {
    let input = (interaction.clone(), allowed, entry, tenant.now_ms());
    tenant
        .write(input, |tx, (interaction, allowed, entry, now)| {
            Box::pin(async move {
                let gone = || Error::refused("session.not_found");
                // First of all, so that the end of the session comes before the grant or revokes it.
                if let Some((session_id, _)) = allowed
                    && !sessions::take(tx, session_id).await?
                {
                    return Err(gone());
                }
                if !interactions::end(tx, interaction).await? {
                    return Err(gone());
                }
                let grant = allowed.as_ref().map(|(_, grant)| grant);
                if let Some(grant) = grant {
                    grants::insert(tx, grant).await?;
                }
                let grant_id = grant.map(grants::NewGrant::id);
                if !store::decide(tx, interaction.id_hash(), grant_id, *now).await? {
                    return Err(gone());
                }
                audit::append(tx, entry).await
            })
        })
        .await
}

/// The device code with this hash, for the token endpoint.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn find(conn: &mut Conn<'_>, hash: &TokenHash) -> Result<Option<DeviceCode>> {
    store::find(conn, hash).await
}

/// Notes that a pending code was polled for.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn note_poll(tx: &mut Tx<'_>, hash: &TokenHash, now_ms: i64) -> Result<()> {
    store::set_polled(tx, hash, now_ms).await
}

/// Spends a device code; false when it was spent before.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn spend(tx: &mut Tx<'_>, hash: &TokenHash, now_ms: i64) -> Result<bool> {
    store::spend(tx, hash, now_ms).await
}

/// A user code is short enough to be found from its plain hash, so the hash is keyed; one for each key still in use, the current
/// one's first.
fn hashes(tenant: &Tenant, code: &UserCode) -> Vec<TokenHash> {
    let message = format!("{}\nuser code\n{}", tenant.id(), code.letters());
    let keys = &tenant.snapshot().keys;
    let keyed = keys.cookie().iter().map(|key| base64url_encode(key.sign(message.as_bytes())));
    keyed.map(TokenHash::from_stored).collect()
}
