//! What `cargo xtask scale` does, small: the rows that it makes must be rows that the server takes for its own, so that a change of the
//! schema does not quietly make its figures those of something else.

use std::path::PathBuf;

use trinco_bench::Scale;

use crate::postgres::Schema;

/// Every answer is held against the user that it was asked about, on both engines.
#[test]
fn a_population_is_served_like_people_who_have_signed_in() {
    let schema = Schema::create("scale");
    let scale = Scale {
        server: PathBuf::from(env!("CARGO_BIN_EXE_trinco")),
        users: 1_000,
        users_only: false,
        seconds: 1,
        folder: None,
        postgres: schema.as_ref().map(Schema::url),
    };
    trinco_bench::scale(&scale).unwrap();
}
