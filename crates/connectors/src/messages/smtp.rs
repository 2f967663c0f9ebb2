//! SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH (RFC 4954), over a connection the guard has opened. The message itself is built by
//! `mail-builder`; see docs/decisions/0014.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use url::Host;

use super::template::EmailTemplate;
use super::{ConfigProblem, Content, Message, SendError, config, template};
use crate::outbound::{Connection, Outbound, OutboundError};

/// From the connection to the last reply. Servers look addresses up before they answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of one line of a reply (RFC 5321 §4.5.3.1.5 says 512; servers say more).
const LINE_LIMIT: usize = 2048;
/// Lines of one reply.
const LINES: usize = 100;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    #[serde(deserialize_with = "config::text")]
    host: String,
    #[serde(deserialize_with = "port")]
    port: u16,
    #[serde(default)]
    auth: Auth,
    #[serde(deserialize_with = "mailbox")]
    from_email: Mailbox,
    #[serde(default, deserialize_with = "config::optional_text")]
    reply_to: Option<String>,
    templates: Vec<EmailTemplate>,
    /// TLS from the first byte.
    #[serde(default)]
    secure: bool,
    #[serde(default)]
    tls: Tls,
    #[serde(default, deserialize_with = "config::optional_text")]
    servername: Option<String>,
    #[serde(default, rename = "ignoreTLS")]
    ignore_tls: bool,
    #[serde(default, rename = "requireTLS")]
    require_tls: bool,
    /// What this host calls itself.
    #[serde(default, deserialize_with = "config::optional_text")]
    name: Option<String>,
    #[serde(default)]
    custom_headers: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Auth {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    user: String,
    #[serde(default)]
    pass: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tls {
    servername: Option<String>,
    reject_unauthorized: Option<bool>,
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mailbox {
    name: Option<String>,
    address: String,
}

impl Mailbox {
    /// Reads `ana@example.com` or `Ana <ana@example.com>`.
    fn parse(text: &str) -> Option<Self> {
        let (name, address) = match text.trim().strip_suffix('>') {
            Some(text) => {
                let (name, address) = text.rsplit_once('<')?;
                let name = name.trim().trim_matches('"').trim();
                ((!name.is_empty()).then(|| name.to_owned()), address)
            }
            None => (None, text.trim()),
        };
        Some(Self { name, address: address_of(address)? })
    }
}

/// An address as it stands in commands and headers: no character in it ends either, and its domain is written in ASCII (RFC 5890).
fn address_of(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let is_plain = |symbol: char| {
        !symbol.is_whitespace() && !symbol.is_control() && !"<>(),;:\"\\[]@".contains(symbol)
    };
    if local.is_empty() || local.len() > 64 || !local.chars().all(is_plain) {
        return None;
    }
    match Host::parse(domain).ok()? {
        Host::Domain(domain) => Some(format!("{local}@{domain}")),
        _ => None,
    }
}

fn mailbox<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mailbox, D::Error> {
    Mailbox::parse(&config::text(deserializer)?)
        .ok_or_else(|| de::Error::custom("must be an e-mail address, or a name and <an address>"))
}

fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .and_then(|number| u16::try_from(number).ok())
        .filter(|port| *port != 0)
        .ok_or_else(|| de::Error::custom("must be a port, 1 to 65535"))
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, ConfigProblem> {
        let config: Self = config::read(value)?;
        config::check_email_templates(&config.templates)?;
        let problem = |path: &str, rule: &str| Err(ConfigProblem::new(path, rule));
        let is_host =
            |host: &str| Host::parse(host).is_ok() || host.parse::<std::net::IpAddr>().is_ok();
        if !is_host(&config.host) {
            return problem("host", "must be a host name or an address");
        }
        if config.auth.kind.as_deref().is_some_and(|kind| kind != "login") {
            return problem(
                "auth.type",
                "must be login: other ways to authenticate are not supported",
            );
        }
        if config.auth.user.is_empty() != config.auth.pass.is_empty() {
            return problem("auth", "must have both user and pass, or neither");
        }
        if config.tls.reject_unauthorized == Some(false) {
            return problem(
                "tls.rejectUnauthorized",
                "cannot be turned off: certificates are verified",
            );
        }
        if config.ignore_tls && (config.require_tls || config.secure) {
            return problem("ignoreTLS", "contradicts secure and requireTLS");
        }
        for (name, value) in &config.custom_headers {
            let is_name = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !is_name || value.contains(['\r', '\n', '\0']) {
                let path = format!("customHeaders.{name}");
                return problem(&path, "must be a header's name, and its value on one line");
            }
        }
        Ok(config)
    }

    fn tls_name(&self) -> &str {
        self.servername.as_deref().or(self.tls.servername.as_deref()).unwrap_or(&self.host)
    }
}

pub(super) async fn send(
    outbound: &Outbound,
    config: &Config,
    message: &Message<'_>,
) -> Result<(), SendError> {
    let content = template::email(&config.templates, message)?;
    let to = address_of(message.to).ok_or_else(|| {
        refused("the recipient is no address that mail can be sent to".to_owned())
    })?;
    let mail = mail(config, message, &content, &to);
    tokio::time::timeout(TIMEOUT, deliver(outbound, config, &to, &mail))
        .await
        .unwrap_or(Err(SendError::Outbound(OutboundError::Timeout)))
}

fn refused(answer: String) -> SendError {
    SendError::Refused { service: "the mail server", answer }
}

/// The message with its headers, lines ended by CRLF.
fn mail(config: &Config, message: &Message<'_>, content: &Content, to: &str) -> Vec<u8> {
    let Mailbox { name, address } = &config.from_email;
    let name = content.send_from.as_deref().or(name.as_deref());
    let domain = address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let mut mail = MessageBuilder::new()
        .from(Address::new_address(name.map(str::to_owned), address.as_str()))
        .to(Address::new_address(None::<&str>, to))
        .subject(content.subject.as_str())
        .date(message.now)
        .message_id(format!("{}@{domain}", message.nonce));
    // An answer to an unreadable address would be lost: then it goes to the sender.
    let reply_to = content.reply_to.as_deref().or(config.reply_to.as_deref());
    if let Some(Mailbox { name, address }) = reply_to.and_then(Mailbox::parse) {
        mail = mail.reply_to(Address::new_address(name, address));
    }
    for (name, value) in &config.custom_headers {
        mail = if value.is_ascii() {
            mail.header(name.as_str(), Raw::new(value.as_str()))
        } else {
            mail.header(name.as_str(), Text::new(value.as_str()))
        };
    }
    let mail = if content.is_html {
        mail.html_body(content.body.as_str())
    } else {
        mail.text_body(content.body.as_str())
    };
    let mut bytes = Vec::new();
    mail.serialize(&mut bytes);
    bytes
}

async fn deliver(
    outbound: &Outbound,
    config: &Config,
    to: &str,
    mail: &[u8],
) -> Result<(), SendError> {
    let mut connection = outbound.connect(&config.host, config.port).await?;
    if config.secure {
        connection = connection.secured(config.tls_name()).await?;
    }
    let mut dialog = Dialog { connection, unread: Vec::new() };
    let hello = config.name.as_deref().unwrap_or("[127.0.0.1]");
    dialog.expect(2).await?;
    let mut offers = dialog.hello(hello).await?;
    if !dialog.connection.is_secure() && !config.ignore_tls {
        if offers.has("STARTTLS") {
            dialog.command("STARTTLS", 2).await?;
            // RFC 3207 §4.2: what came before is forgotten; what is there already was not sent by the server.
            if !dialog.unread.is_empty() {
                return Err(refused("more than it was asked before TLS began".to_owned()));
            }
            dialog.connection = dialog.connection.secured(config.tls_name()).await?;
            offers = dialog.hello(hello).await?;
        } else if config.require_tls {
            return Err(refused(
                "that it offers no TLS, which the connector insists on".to_owned(),
            ));
        }
    }
    if !config.auth.user.is_empty() {
        if !dialog.connection.is_secure() && !config.ignore_tls {
            return Err(SendError::WouldLeak);
        }
        dialog.authenticate(&config.auth, &offers).await?;
    }
    let from = &config.from_email.address;
    let is_international = !from.is_ascii() || !to.is_ascii();
    let utf8 = match is_international {
        true if offers.has("SMTPUTF8") => " SMTPUTF8",
        true => return Err(refused("that it takes no addresses beyond ASCII".to_owned())),
        false => "",
    };
    dialog.command(&format!("MAIL FROM:<{from}>{utf8}"), 2).await?;
    dialog.command(&format!("RCPT TO:<{to}>"), 2).await?;
    dialog.command("DATA", 3).await?;
    dialog.connection.write(&stuffed(mail)).await?;
    dialog.expect(2).await?;
    // The message is theirs by now, whatever they say to the farewell.
    let _ = dialog.connection.write(b"QUIT\r\n").await;
    Ok(())
}

/// The message as DATA wants it: a dot that begins a line is doubled, and a dot alone ends it (RFC 5321 §4.5.2).
fn stuffed(mail: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(mail.len() + 16);
    let mut begins_line = true;
    for byte in mail {
        if begins_line && *byte == b'.' {
            stuffed.push(b'.');
        }
        stuffed.push(*byte);
        begins_line = *byte == b'\n';
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

/// What the server says it can do, in upper case.
struct Offers(Vec<String>);

impl Offers {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|offer| offer.split(' ').next() == Some(name))
    }

    fn authenticates_by(&self, way: &str) -> bool {
        self.0
            .iter()
            .filter_map(|offer| offer.strip_prefix("AUTH"))
            .any(|ways| ways.split([' ', '=']).any(|offered| offered == way))
    }
}

struct Dialog {
    connection: Connection,
    unread: Vec<u8>,
}

impl Dialog {
    async fn hello(&mut self, name: &str) -> Result<Offers, SendError> {
        let lines = self.command(&format!("EHLO {name}"), 2).await?;
        Ok(Offers(lines.into_iter().skip(1).map(|line| line.to_ascii_uppercase()).collect()))
    }

    async fn authenticate(&mut self, auth: &Auth, offers: &Offers) -> Result<(), SendError> {
        if offers.authenticates_by("PLAIN") {
            let credentials = STANDARD.encode(format!("\0{}\0{}", auth.user, auth.pass));
            self.command(&format!("AUTH PLAIN {credentials}"), 2).await?;
        } else if offers.authenticates_by("LOGIN") {
            self.command("AUTH LOGIN", 3).await?;
            self.command(&STANDARD.encode(&auth.user), 3).await?;
            self.command(&STANDARD.encode(&auth.pass), 2).await?;
        } else {
            return Err(refused("that it takes neither AUTH PLAIN nor AUTH LOGIN".to_owned()));
        }
        Ok(())
    }

    /// Sends a command, and returns the lines of the reply if it is of the class `class`.
    async fn command(&mut self, command: &str, class: u16) -> Result<Vec<String>, SendError> {
        self.connection.write(format!("{command}\r\n").as_bytes()).await?;
        self.expect(class).await
    }

    async fn expect(&mut self, class: u16) -> Result<Vec<String>, SendError> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            let code = line.get(..3).and_then(|code| code.parse::<u16>().ok());
            let Some(code) = code.filter(|_| lines.len() < LINES) else {
                return Err(SendError::Outbound(OutboundError::Exchange));
            };
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if !is_last {
                continue;
            }
            return if code / 100 == class {
                Ok(lines)
            } else {
                let said: String = lines.join(" ").chars().take(300).collect();
                Err(refused(format!("{code} {said}")))
            };
        }
    }

    async fn line(&mut self) -> Result<String, SendError> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                return Ok(line.chars().filter(|symbol| !symbol.is_control()).collect());
            }
            if self.unread.len() > LINE_LIMIT {
                return Err(SendError::Outbound(OutboundError::Exchange));
            }
            self.connection.read(&mut self.unread).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        let read = |text| Mailbox::parse(text).map(|one| (one.name, one.address));
        assert_eq!(read(" a@b.example "), Some((None, "a@b.example".to_owned())));
        assert_eq!(
            read("\"Ana, B.\" <a@b.example>"),
            Some((Some("Ana, B.".to_owned()), "a@b.example".to_owned()))
        );
        assert_eq!(read("a@bücher.example").unwrap().1, "a@xn--bcher-kva.example");
        for text in [
            "",
            "a",
            "@b.example",
            "a b@c.example",
            "x <a@b.example",
            "a@b>c",
            "a@[127.0.0.1]",
            "a>@b.c\r\nX",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn no_line_of_a_message_ends_it() {
        assert_eq!(stuffed(b".\r\na.\r\n.b"), b"..\r\na.\r\n..b\r\n.\r\n");
        assert_eq!(stuffed(b""), b"\r\n.\r\n");
    }
}
