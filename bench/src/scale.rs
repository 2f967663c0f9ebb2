//! One population on one engine or both: made, served, asked, weighed.

use std::time::{Duration, Instant};

use crate::installation::Installation;
use crate::load::{self, Load};
use crate::report::{self, Row};
use crate::server::Program;
use crate::sizes::Sizes;
use crate::{Result, Scale, endpoints, population, sizes};

/// As many as a small team of application servers keeps open.
const CONNECTIONS: usize = 32;
/// A refresh token is presented once: this part of them on one connection, and the same again on many.
const SHARE_OF_TOKENS: u64 = 3;

/// Measures, and prints Markdown.
///
/// # Errors
/// A sentence, when the server does not start, an answer is not what it should be, or the data cannot be written.
pub fn run(scale: &Scale) -> Result<()> {
    let folder = match &scale.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let folder = folder.map_err(|error| format!("there is no place for the data: {error}."))?;
    let program = Program::new(&scale.server, folder.path())?;
    let installation = Installation::set_up(&program, scale.users_only)?;
    let begin = Instant::now();
    population::make(&program.file(), &installation, scale.users)?;
    let made = begin.elapsed();
    let file = format!("sqlite:{}", program.file().display());
    // Before anything is asked for: a measurement spends tokens.
    let begin = Instant::now();
    if let Some(url) = &scale.postgres {
        program.run(&["db", "copy", &file, url])?;
    }
    let copied = begin.elapsed();

    println!("## {} users on SQLite\n", scale.users);
    println!("Made in {:.0} s.", made.as_secs_f64());
    let weighed = sizes::of_sqlite(&program.file())?;
    let on_sqlite = measure(scale, &program, &installation, &weighed);
    if let Some(url) = &scale.postgres {
        println!("\n## {} users on PostgreSQL\n", scale.users);
        println!("Copied with `trinco db copy` in {:.0} s.", copied.as_secs_f64());
        let weighed = sizes::of_postgres(url)?;
        measure(scale, &program.on_postgres(url), &installation, &weighed)?;
    }
    on_sqlite
}

/// Asks a server on this population everything, and prints what came of it.
fn measure(
    scale: &Scale,
    program: &Program,
    installation: &Installation,
    weighed: &Sizes,
) -> Result<()> {
    let server = program.serve()?;
    println!("Ready {} ms after its start.\n", report::milliseconds(server.started_in));
    println!("{}", report::heading(CONNECTIONS));
    let (mut next, mut failures) = (0, 0);
    for endpoint in endpoints::all(&server, installation, scale.users)? {
        let load = Load {
            connections: 1,
            time: Duration::from_secs(scale.seconds),
            requests: scale.users / SHARE_OF_TOKENS,
        };
        // The questions of an endpoint go on where those of the one before ended: no token is presented twice, and no user's rows
        // are warm from the last endpoint.
        let many = Load { connections: CONNECTIONS, ..load };
        let measured = load::put(&server, load, &mut next, &endpoint.ask)
            .and_then(|one| Ok((one, load::put(&server, many, &mut next, &endpoint.ask)?)));
        match measured {
            Ok((one, many)) => {
                println!("{}", report::line(&Row { name: endpoint.name, one, many }));
            }
            // What cannot bear this is a result, and the others have theirs.
            Err(sentence) => {
                failures += 1;
                println!("{}", report::failed(endpoint.name, &sentence));
            }
        }
    }
    let (own, mapped) = server.memory();
    let (own, mapped) = (report::megabytes(own), report::megabytes(mapped));
    println!("\nMemory in use afterwards: {own} MB of its own, {mapped} MB of mapped files.\n");
    server.stop()?;
    println!("{}", report::sizes(weighed));
    if failures == 0 { Ok(()) } else { Err(format!("{failures} endpoints failed.")) }
}
