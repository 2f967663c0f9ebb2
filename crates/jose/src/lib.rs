//! Keys, JWK sets, JWS and JWT for Trinco. Pure: no I/O, no clock.
