//! Messages to people: by e-mail and by text message, through the tenant's connectors.
//!
//! What an e-mail says is the tenant's template for the language and the occasion, or else the connector's own. A recipient gets ten
//! messages in ten minutes and no more, whoever asks for them.

mod model;
mod store;

use trinco_connectors::messages::{Content, SendError, Service};
use trinco_connectors::{messages as services, outbound::Outbound};
use trinco_db::Tx;

pub use model::{Message, MessageType, Recipient};

use crate::connectors::{self, ConnectorType};
use crate::hooks::{Event, News};
use crate::{Error, JsonObject, Refusal, Result, Tenant, TokenHash, email_templates};

/// What is answered when a recipient has got too many messages.
const LIMITED: &str = "request.message_rate_limited";
/// So many messages get to a recipient …
const MOST: i64 = 10;
/// … within this time from the first of them. Milliseconds.
const WINDOW_MS: i64 = 600_000;

/// A message that can be sent: who carries it and what it says is settled.
#[derive(Clone)]
pub(crate) struct Ready {
    service: Service,
    outbound: Outbound,
    message: Message,
    content: Option<Content>,
    now: i64,
    nonce: String,
}

/// What [`charge`] needs.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    recipient: TokenHash,
    now: i64,
}

/// Sends a message. When this returns, the service has taken it over.
///
/// # Errors
/// `connector.not_found` when the tenant has no connector for it; `request.message_rate_limited` when the recipient has got too many;
/// `connector.template_not_found`; `connector.general` when the service did not take it.
pub async fn send(tenant: &Tenant, message: Message) -> Result<()> {
    let ready = prepare(tenant, message).await?;
    let charged = ready.charge(tenant);
    let written = tenant.write(charged, |tx, charged| Box::pin(charge(tx, charged))).await;
    ready.told(tenant, written).await?;
    ready.send().await
}

/// Sends a message by a configuration that is tried before it is kept.
///
/// # Errors
/// As [`send`]; `entity.not_found`, `connector.unexpected_type`, `connector.invalid_config`.
pub async fn send_trial(
    tenant: &Tenant,
    factory_id: &str,
    config: &JsonObject,
    message: Message,
) -> Result<()> {
    let service = connectors::service_to_try(factory_id, kind_of(&message.to), config)?;
    let ready = with_service(tenant, message, service).await?;
    let charged = ready.charge(tenant);
    tenant.write(charged, |tx, charged| Box::pin(charge(tx, charged))).await?;
    ready.send().await
}

/// Settles who carries a message and what it says, before anything is written for it.
///
/// # Errors
/// `connector.not_found`; `connector.invalid_config`.
pub(crate) async fn prepare(tenant: &Tenant, message: Message) -> Result<Ready> {
    let service = connectors::service(tenant, kind_of(&message.to)).await?;
    with_service(tenant, message, service).await
}

async fn with_service(tenant: &Tenant, mut message: Message, service: Service) -> Result<Ready> {
    // Services that keep templates themselves choose by it.
    if let Some(locale) = &message.locale {
        message.payload.entry("locale").or_insert_with(|| locale.as_str().into());
    }
    let content = match &message.to {
        Recipient::Phone(_) => None,
        Recipient::Email(_) => {
            let locale = message.locale.as_deref();
            email_templates::content(tenant, message.message_type, locale).await?
        }
    };
    Ok(Ready {
        service,
        outbound: tenant.outbound()?.clone(),
        message,
        content,
        now: tenant.now(),
        nonce: tenant.new_id(),
    })
}

const fn kind_of(recipient: &Recipient) -> ConnectorType {
    match recipient {
        Recipient::Email(_) => ConnectorType::Email,
        Recipient::Phone(_) => ConnectorType::Sms,
    }
}

/// Counts a message before it is sent, in the transaction of what is written for it.
///
/// # Errors
/// `request.message_rate_limited`.
pub(crate) async fn charge(tx: &mut Tx<'_>, charge: &Charge) -> Result<()> {
    let Charge { recipient, now } = charge;
    if store::count(tx, recipient, *now, *now + WINDOW_MS, MOST).await? {
        Ok(())
    } else {
        Err(Error::refused(LIMITED))
    }
}

impl Ready {
    pub(crate) fn charge(&self, tenant: &Tenant) -> Charge {
        Charge { recipient: self.message.to.hash("messages"), now: tenant.now_ms() }
    }

    /// What came of the transaction with [`charge`]. Webhooks are told when it was one message too many.
    ///
    /// # Errors
    /// As the transaction's, or when the database does not answer.
    pub(crate) async fn told<T>(&self, tenant: &Tenant, written: Result<T>) -> Result<T> {
        let is_limited = matches!(&written, Err(error) if error.code() == Some(LIMITED));
        let news = News::of(tenant, Event::MessageRateLimited);
        if is_limited && news.is_wanted() {
            let action = match self.message.message_type {
                MessageType::OrganizationInvitation => "OrganizationInvitationSend",
                _ => "VerificationCodeSend",
            };
            let news = news.fact("action", action).fact("recipient", self.message.to.address());
            tenant.write(news, |tx, news| Box::pin(async move { news.tell(tx).await })).await?;
        }
        written
    }

    /// Hands the message over.
    ///
    /// # Errors
    /// `connector.template_not_found`; `connector.general`.
    pub(crate) async fn send(&self) -> Result<()> {
        let message = services::Message {
            to: self.message.to.address(),
            usage: self.message.message_type.as_str(),
            payload: &self.message.payload,
            content: self.content.as_ref(),
            now: self.now,
            nonce: &self.nonce,
        };
        self.service.send(&self.outbound, &message).await.map_err(|error| not_sent(&error))
    }
}

/// What went wrong is told: whoever may ask for messages is an administrator, or what is told is translated before it reaches others.
fn not_sent(error: &SendError) -> Error {
    let code = match error {
        SendError::NoTemplate(_) => "connector.template_not_found",
        _ => "connector.general",
    };
    tracing::warn!(%error, "a message was not sent");
    let detail = error.to_string();
    Error::Refused(Box::new(Refusal { code, values: vec![("detail", detail)], data: None }))
}
