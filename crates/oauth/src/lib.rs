//! OAuth 2 and OpenID Connect rules: request in, decision out. Pure: no I/O, no clock.
