//! The sign-in settings of one application. The serde shape is the shape of the Management API, and of the stored document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Text;
use crate::experience::{WebUrl, optional};
use crate::organizations::{OrganizationBranding, OrganizationColor};

/// How the pages look and whom they name while someone signs in to an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationSignInExperience {
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// The application.
    pub application_id: String,
    /// Colours that differ from the tenant's.
    pub color: OrganizationColor,
    /// Pictures that differ from the tenant's.
    pub branding: OrganizationBranding,
    /// CSS in place of the tenant's.
    pub custom_css: Option<String>,
    /// What people are told the application is called.
    pub display_name: Option<String>,
    /// Where the application's terms of use are.
    pub terms_of_use_url: Option<String>,
    /// Where the application's privacy policy is.
    pub privacy_policy_url: Option<String>,
}

/// The body that gives an application its settings. What is absent, `null` or empty is as the tenant has it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NewApplicationSignInExperience {
    /// Colours that differ from the tenant's.
    pub color: OrganizationColor,
    /// Pictures that differ from the tenant's.
    pub branding: OrganizationBranding,
    /// CSS in place of the tenant's.
    pub custom_css: Option<Text<0, 262_144>>,
    /// What people are told the application is called.
    pub display_name: Option<Text<0, 256>>,
    /// Where the application's terms of use are.
    #[serde(deserialize_with = "optional::<WebUrl, _>")]
    pub terms_of_use_url: Option<WebUrl>,
    /// Where the application's privacy policy is.
    #[serde(deserialize_with = "optional::<WebUrl, _>")]
    pub privacy_policy_url: Option<WebUrl>,
}
