//! Clients that nobody here has vetted: they register themselves (RFC 7591), or publish a document about themselves at the URL
//! that is their `client_id` (draft-ietf-oauth-client-id-metadata-document).
//!
//! What they say about themselves is the same in both cases, and trusted as little: [`ClientMetadata`] is what is read of it,
//! [`redirect_uri`] where they may have their users sent, [`document`] what a document must be.

pub mod document;
mod metadata;
mod name;
pub mod redirect_uri;

pub use metadata::{AuthMethod, ClientMetadata, MAX_NAME, MAX_REDIRECT_URIS};
