//! What a SAML identity provider says of itself (Metadata for SAML 2.0, §2.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

/// Bytes of a document.
pub const METADATA_LIMIT: usize = 1024 * 1024;
/// Elements within elements.
const DEPTH: usize = 32;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURES: &str = "http://www.w3.org/2000/09/xmldsig#";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// An identity provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its name.
    pub entity_id: String,
    /// Where requests go: by redirect if it takes them so, else by form.
    pub sign_in_endpoint: String,
    /// Whether it wants requests to be signed.
    pub wants_signed_requests: bool,
    /// The forms of names it knows.
    pub name_id_formats: Vec<String>,
    /// The certificates it signs with, DER.
    pub certificates: Vec<Vec<u8>>,
}

/// Why a document is no metadata of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Longer than [`METADATA_LIMIT`], or nested too deeply.
    #[error("the document is too long or too deep")]
    TooMuch,
    /// A document type could name what is elsewhere, and grow.
    #[error("the document has a document type, which metadata has no use for")]
    DocumentType,
    /// No XML.
    #[error("the document is no well-formed XML")]
    Malformed,
    /// XML of another kind.
    #[error("the document has no {0}")]
    Missing(&'static str),
}

/// Reads the metadata of an identity provider. Of several entities, the first that is an identity provider counts.
///
/// # Errors
/// [`MetadataError`].
pub fn parse(xml: &str) -> Result<IdentityProvider, MetadataError> {
    if xml.len() > METADATA_LIMIT {
        return Err(MetadataError::TooMuch);
    }
    let mut reader = NsReader::from_str(xml);
    let mut document = Document::default();
    loop {
        let event = reader.read_resolved_event().map_err(|_| MetadataError::Malformed)?;
        match event {
            (_, Event::DocType(_)) => return Err(MetadataError::DocumentType),
            (namespace, Event::Start(element)) => {
                let kind = kind_of(&namespace, element.local_name().as_ref());
                document.begin(kind, &element)?;
                document.path.push(kind);
            }
            (namespace, Event::Empty(element)) => {
                let kind = kind_of(&namespace, element.local_name().as_ref());
                document.begin(kind, &element)?;
                document.end(kind)?;
            }
            (_, Event::End(_)) => {
                let kind = document.path.pop().ok_or(MetadataError::Malformed)?;
                document.end(kind)?;
                if document.is_found {
                    return document.provider();
                }
            }
            (_, Event::Text(text)) => {
                document.text.push_str(&text.xml10_content());
            }
            (_, Event::Eof) => return document.provider(),
            _ => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Entity,
    Provider,
    Key,
    Certificate,
    SignOn,
    NameIdFormat,
    Other,
}

fn kind_of(namespace: &ResolveResult<'_>, name: &str) -> Kind {
    let ResolveResult::Bound(Namespace(namespace)) = namespace else { return Kind::Other };
    match (*namespace, name) {
        (METADATA, "EntityDescriptor") => Kind::Entity,
        (METADATA, "IDPSSODescriptor") => Kind::Provider,
        (METADATA, "KeyDescriptor") => Kind::Key,
        (METADATA, "SingleSignOnService") => Kind::SignOn,
        (METADATA, "NameIDFormat") => Kind::NameIdFormat,
        (SIGNATURES, "X509Certificate") => Kind::Certificate,
        _ => Kind::Other,
    }
}

#[derive(Default)]
struct Document {
    path: Vec<Kind>,
    found: IdentityProvider,
    by_redirect: Option<String>,
    by_post: Option<String>,
    /// Whether the key at hand is one for encryption.
    encrypts: bool,
    has_provider: bool,
    is_found: bool,
    text: String,
}

impl Document {
    fn begin(&mut self, kind: Kind, element: &BytesStart<'_>) -> Result<(), MetadataError> {
        if self.path.len() >= DEPTH {
            return Err(MetadataError::TooMuch);
        }
        self.text.clear();
        let is_inside = self.path.contains(&Kind::Provider);
        match kind {
            Kind::Entity => {
                self.found = IdentityProvider {
                    entity_id: attribute(element, "entityID")?.unwrap_or_default(),
                    ..IdentityProvider::default()
                };
                (self.by_redirect, self.by_post) = (None, None);
            }
            Kind::Provider => {
                self.has_provider = true;
                let wants = attribute(element, "WantAuthnRequestsSigned")?;
                self.found.wants_signed_requests = matches!(wants.as_deref(), Some("true" | "1"));
            }
            Kind::Key => {
                self.encrypts = attribute(element, "use")?.as_deref() == Some("encryption");
            }
            Kind::SignOn if is_inside => {
                let location = attribute(element, "Location")?.filter(|url| !url.is_empty());
                match attribute(element, "Binding")?.as_deref() {
                    Some(REDIRECT) => self.by_redirect = self.by_redirect.take().or(location),
                    Some(POST) => self.by_post = self.by_post.take().or(location),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, kind: Kind) -> Result<(), MetadataError> {
        let is_inside = self.path.contains(&Kind::Provider);
        match kind {
            Kind::NameIdFormat if is_inside => {
                self.found.name_id_formats.push(self.text.trim().to_owned());
            }
            Kind::Certificate if is_inside && self.path.contains(&Kind::Key) && !self.encrypts => {
                let base64: String =
                    self.text.chars().filter(|symbol| !symbol.is_whitespace()).collect();
                let der = STANDARD
                    .decode(base64)
                    .map_err(|_| MetadataError::Missing("readable certificate"))?;
                if !self.found.certificates.contains(&der) {
                    self.found.certificates.push(der);
                }
            }
            Kind::Entity if self.has_provider => self.is_found = true,
            _ => {}
        }
        self.text.clear();
        Ok(())
    }

    fn provider(mut self) -> Result<IdentityProvider, MetadataError> {
        if !self.is_found {
            return Err(MetadataError::Missing("identity provider (IDPSSODescriptor)"));
        }
        if self.found.entity_id.is_empty() {
            return Err(MetadataError::Missing("entityID"));
        }
        self.found.sign_in_endpoint = self
            .by_redirect
            .or(self.by_post)
            .ok_or(MetadataError::Missing("SingleSignOnService by redirect or by form"))?;
        if self.found.certificates.is_empty() {
            return Err(MetadataError::Missing("certificate that it signs with"));
        }
        Ok(self.found)
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, MetadataError> {
    let found = element.try_get_attribute(name).map_err(|_| MetadataError::Malformed)?;
    found
        .map(|attribute| {
            attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map(|value| value.trim().to_owned())
                .map_err(|_| MetadataError::Malformed)
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metadata(inner: &str) -> String {
        format!(
            r#"<?xml version="1.0"?>
            <md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example/a&amp;b">
              <md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
                {inner}
              </md:IDPSSODescriptor>
            </md:EntityDescriptor>"#
        )
    }

    const KEYS: &str = r#"
        <md:KeyDescriptor use="encryption"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
        <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>
            AQID
            BAUG</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#;
    const PLACES: &str = r#"
        <md:NameIDFormat> urn:a </md:NameIDFormat>
        <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/post"/>
        <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/in?x=1&amp;y=2"></md:SingleSignOnService>"#;

    #[test]
    fn an_identity_provider_is_read() {
        let found = parse(&metadata(&format!("{KEYS}{PLACES}"))).unwrap();
        assert_eq!(
            found,
            IdentityProvider {
                entity_id: "https://idp.example/a&b".to_owned(),
                sign_in_endpoint: "https://idp.example/in?x=1&y=2".to_owned(),
                wants_signed_requests: true,
                name_id_formats: vec!["urn:a".to_owned()],
                certificates: vec![vec![1, 2, 3, 4, 5, 6]],
            }
        );
    }

    #[test]
    fn of_several_entities_the_first_identity_provider_counts() {
        let service = r#"<md:EntityDescriptor entityID="https://service.example"><md:SPSSODescriptor/></md:EntityDescriptor>"#;
        let provider = metadata(&format!("{KEYS}{PLACES}"));
        let provider = provider.split_once("?>").unwrap().1;
        let all = format!(
            r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{service}{provider}{service}</md:EntitiesDescriptor>"#
        );
        assert_eq!(parse(&all).unwrap().entity_id, "https://idp.example/a&b");
    }

    #[test]
    fn what_is_no_metadata_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        for (xml, problem) in [
            (String::new(), MetadataError::Missing("identity provider (IDPSSODescriptor)")),
            ("<a>".to_owned() + "</b>", MetadataError::Malformed),
            (deep, MetadataError::TooMuch),
            ("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>".to_owned(), MetadataError::DocumentType),
            (metadata(KEYS), MetadataError::Missing("SingleSignOnService by redirect or by form")),
            (metadata(PLACES), MetadataError::Missing("certificate that it signs with")),
            (
                metadata(&format!("{PLACES}{KEYS}")).replace("SAML:2.0:metadata", "SAML:1.0"),
                MetadataError::Missing("identity provider (IDPSSODescriptor)"),
            ),
            ("x".repeat(METADATA_LIMIT + 1), MetadataError::TooMuch),
        ] {
            let begin: String = xml.chars().take(60).collect();
            assert_eq!(parse(&xml), Err(problem), "{begin}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(xml in "[<>a-z\"=/&;: !\\[\\]-]{0,200}") {
            let _ = parse(&xml);
        }
    }
}
