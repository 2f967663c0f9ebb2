//! The doors of Trinco: OIDC, Management API and sign-in pages.
