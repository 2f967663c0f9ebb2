//! What an e-mail template is. The serde shape is the shape of the Management API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trinco_connectors::messages::Content;

use crate::Text;
use crate::messages::MessageType;

/// Characters of a template.
const LONGEST: usize = 256 * 1024;

/// What an e-mail says in a language on an occasion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmailTemplate {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// The language.
    pub language_tag: String,
    /// The occasion.
    pub template_type: MessageType,
    /// What it says.
    pub details: EmailTemplateDetails,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// What an e-mail says, with variables in double braces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmailTemplateDetails {
    /// The subject.
    pub subject: Text<0, 1024>,
    /// The text.
    pub content: Text<0, LONGEST>,
    /// What the text is; HTML unless it says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<ContentType>,
    /// Where answers go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Text<0, 256>>,
    /// The name of the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_from: Option<Text<0, 256>>,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ContentType {
    /// HTML.
    #[serde(rename = "text/html")]
    Html,
    /// As it stands.
    #[serde(rename = "text/plain")]
    Plain,
}

impl EmailTemplateDetails {
    pub(super) fn apply(&mut self, changes: EmailTemplateDetailsChanges) {
        if let Some(subject) = changes.subject {
            self.subject = subject;
        }
        if let Some(content) = changes.content {
            self.content = content;
        }
        self.content_type = changes.content_type.or(self.content_type);
        self.reply_to = changes.reply_to.or_else(|| self.reply_to.take());
        self.send_from = changes.send_from.or_else(|| self.send_from.take());
    }

    pub(super) fn content(&self) -> Content {
        let text = |text: &Option<Text<0, 256>>| text.as_ref().map(|text| text.as_str().to_owned());
        Content {
            subject: self.subject.as_str().to_owned(),
            body: self.content.as_str().to_owned(),
            is_html: self.content_type != Some(ContentType::Plain),
            reply_to: text(&self.reply_to),
            send_from: text(&self.send_from),
        }
    }
}

/// What a template is to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewEmailTemplate {
    /// The language.
    pub language_tag: Text<1, 16>,
    /// The occasion.
    pub template_type: MessageType,
    /// What it says.
    pub details: EmailTemplateDetails,
}

/// The body that changes what a template says: absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EmailTemplateDetailsChanges {
    /// The subject.
    pub subject: Option<Text<0, 1024>>,
    /// The text.
    pub content: Option<Text<0, LONGEST>>,
    /// What the text is.
    pub content_type: Option<ContentType>,
    /// Where answers go.
    pub reply_to: Option<Text<0, 256>>,
    /// The name of the sender.
    pub send_from: Option<Text<0, 256>>,
}

/// Which templates are meant.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// Those in this language.
    pub language_tag: Option<Text<1, 16>>,
    /// Those for this occasion.
    pub template_type: Option<MessageType>,
}
