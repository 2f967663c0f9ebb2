//! What an organization is. The serde shape is the shape of the Management API.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use url::Url;

use super::rules;
use crate::applications::Application;
use crate::organization_template::Named;
use crate::roles::FeaturedUser;
use crate::users::User;
use crate::{JsonObject, Text, double_option, nullable};

/// An organization: a group of users and applications with roles of its own.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// Shown to people; need not be unique.
    pub name: String,
    /// Shown to people.
    pub description: Option<String>,
    /// Whatever the owner keeps here.
    pub custom_data: JsonObject,
    /// Whether its members must have a second factor to get tokens for it.
    pub is_mfa_required: bool,
    /// Colours of its sign-in pages.
    pub color: OrganizationColor,
    /// Pictures of its sign-in pages.
    pub branding: OrganizationBranding,
    /// CSS of its sign-in pages.
    pub custom_css: Option<String>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Colours that differ from the tenant's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationColor {
    /// On a light background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_color: Option<HexColor>,
    /// Whether pages follow a browser's dark mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_dark_mode_enabled: Option<bool>,
    /// On a dark background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dark_primary_color: Option<HexColor>,
}

/// Pictures that differ from the tenant's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationBranding {
    /// On a light background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<PictureUrl>,
    /// On a dark background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dark_logo_url: Option<PictureUrl>,
    /// On a light background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub favicon: Option<PictureUrl>,
    /// On a dark background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dark_favicon: Option<PictureUrl>,
}

/// A colour as `#rgb` or `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct HexColor(String);

impl HexColor {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for HexColor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !rules::is_hex_color(&text) {
            return Err(de::Error::custom("must be a colour such as #1f4e9e"));
        }
        Ok(Self(text))
    }
}

/// The http(s) URL of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct PictureUrl(String);

impl PictureUrl {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PictureUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::<1, 2048>::deserialize(deserializer)?.into_string();
        let is_web = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_web {
            return Err(de::Error::custom("must be an http or https URL"));
        }
        Ok(Self(text))
    }
}

/// The domain of e-mail addresses: at least two labels of letters, digits and inner hyphens, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct EmailDomain(String);

impl EmailDomain {
    /// In lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for EmailDomain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::<1, 128>::deserialize(deserializer)?.into_string().to_lowercase();
        if !rules::is_domain(&text) {
            return Err(de::Error::custom("must be a domain such as example.com"));
        }
        Ok(Self(text))
    }
}

/// Whoever signs up with an address of this domain becomes a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JitEmailDomain {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// The organization.
    pub organization_id: String,
    /// The domain.
    pub email_domain: String,
}

/// The body that creates an organization.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewOrganization {
    /// Shown to people.
    pub name: Text<1, 128>,
    /// Shown to people.
    #[serde(default, deserialize_with = "nullable")]
    pub description: Option<Text<0, 256>>,
    /// Whatever the owner keeps here.
    #[serde(default)]
    pub custom_data: JsonObject,
    /// Whether its members must have a second factor.
    #[serde(default)]
    pub is_mfa_required: bool,
    /// Colours.
    #[serde(default)]
    pub color: OrganizationColor,
    /// Pictures.
    #[serde(default)]
    pub branding: OrganizationBranding,
    /// CSS.
    #[serde(default, deserialize_with = "nullable")]
    pub custom_css: Option<Text<0, 65536>>,
}

/// The body that changes an organization: absent members stay as they are, present ones replace the old value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationChanges {
    /// Shown to people.
    pub name: Option<Text<1, 128>>,
    /// Shown to people.
    #[serde(deserialize_with = "double_option")]
    pub description: Option<Option<Text<0, 256>>>,
    /// Whatever the owner keeps here.
    pub custom_data: Option<JsonObject>,
    /// Whether its members must have a second factor.
    pub is_mfa_required: Option<bool>,
    /// Colours.
    pub color: Option<OrganizationColor>,
    /// Pictures.
    pub branding: Option<OrganizationBranding>,
    /// CSS.
    #[serde(deserialize_with = "double_option")]
    pub custom_css: Option<Option<Text<0, 65536>>>,
}

/// An organization in a list, with a few of its members when they were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationSummary {
    /// The organization.
    #[serde(flatten)]
    pub organization: Organization,
    /// How many users are members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users_count: Option<i64>,
    /// Some of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub featured_users: Option<Vec<FeaturedUser>>,
}

/// An organization of a member, and the member's roles in it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationOfMember {
    /// The organization.
    #[serde(flatten)]
    pub organization: Organization,
    /// The member's roles.
    pub organization_roles: Vec<Named>,
}

/// A user who is a member of an organization.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// The user's roles in the organization.
    pub organization_roles: Vec<Named>,
}

/// An application that is a member of an organization.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberApplication {
    /// The application.
    #[serde(flatten)]
    pub application: Application,
    /// The application's roles in the organization.
    pub organization_roles: Vec<Named>,
}

/// An organization a user is a member of, as sign-in needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The organization's id.
    pub id: String,
    /// The organization's name.
    pub name: String,
    /// The organization's description.
    pub description: Option<String>,
    /// Whether its tokens need a second factor.
    pub is_mfa_required: bool,
    /// The ids of the user's roles in it.
    pub role_ids: Vec<String>,
}
