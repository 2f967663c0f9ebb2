//! Asking for a password: typed without being shown, or piped in.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Bytes; longer passwords are refused by every policy.
const LIMIT: u64 = 4096;

/// Reads a password from standard input: twice from a person, one line from anything else.
pub(crate) fn read() -> Result<String, String> {
    let cannot = |error: io::Error| format!("the password cannot be read: {error}");
    let password = if io::stdin().is_terminal() {
        let silence = Silence::begin().map_err(cannot)?;
        let password = ask("Password: ").map_err(cannot)?;
        let repeated = ask("Again: ").map_err(cannot)?;
        drop(silence);
        if password != repeated {
            return Err("the two passwords differ".to_owned());
        }
        password
    } else {
        read_line(io::stdin().lock()).map_err(cannot)?
    };
    if password.is_empty() { Err("the password is empty".to_owned()) } else { Ok(password) }
}

/// While it lives the terminal does not show what is typed.
struct Silence {
    before: Termios,
}

impl Silence {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

fn ask(prompt: &str) -> io::Result<String> {
    let mut stderr = io::stderr();
    stderr.write_all(prompt.as_bytes())?;
    stderr.flush()?;
    read_line(io::stdin().lock())
}

fn read_line(mut input: impl io::BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.by_ref().take(LIMIT).read_line(&mut line)?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_without_its_end() {
        for (input, password) in [
            ("correct horse\n", "correct horse"),
            ("correct horse\r\nmore\n", "correct horse"),
            (" no end", " no end"),
            ("", ""),
        ] {
            assert_eq!(read_line(input.as_bytes()).unwrap(), password);
        }
    }
}
