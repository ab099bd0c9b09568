// SPDX-License-Identifier: Apache-2.0
use super::message::Program;

pub const USAGE: &str = "usage: sudo [-n] [-E] [-H] [-u user] [VAR=value] [--] command [argument ...]\n       sudo [-n] [-E] [-u user] -i|-s [command [argument ...]]\n       sudo -h | -V | -v | -k";

#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    Run(Request),
    Help,
    Version,
    /// Nothing to do: no password is ever asked for.
    Nothing,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub user: String,
    pub program: Program,
    pub keep_env: bool,
    pub assigned: Vec<(String, String)>,
}

/// Reads a command line as sudo does; an error is a line for the user.
pub fn parse(words: Vec<String>) -> Result<Wish, String> {
    let mut words = words.into_iter().peekable();
    let (mut user, mut keep_env, mut login, mut shell) = ("root".to_owned(), false, false, false);
    while let Some(word) = words.next_if(|word| word.starts_with('-') && word.len() > 1) {
        if word == "--" {
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            match long.split_once('=').unwrap_or((long, "")) {
                ("user", "") => user = words.next().ok_or("sudo: --user needs a name")?,
                ("user", name) => name.clone_into(&mut user),
                ("preserve-env", _) => keep_env = true,
                ("login", "") => login = true,
                ("shell", "") => shell = true,
                ("non-interactive" | "set-home" | "stdin", "") => {}
                ("help", "") => return Ok(Wish::Help),
                ("version", "") => return Ok(Wish::Version),
                ("validate" | "reset-timestamp" | "remove-timestamp", "") => return Ok(Wish::Nothing),
                _ => return Err(format!("sudo: option {word} is not supported here")),
            }
            continue;
        }
        let mut letters = word[1..].chars();
        while let Some(letter) = letters.next() {
            match letter {
                'n' | 'H' | 'S' => {}
                'E' => keep_env = true,
                'i' => login = true,
                's' => shell = true,
                'h' => return Ok(Wish::Help),
                'V' => return Ok(Wish::Version),
                'v' | 'k' | 'K' => return Ok(Wish::Nothing),
                'u' => {
                    let rest: String = letters.by_ref().collect();
                    user = if rest.is_empty() { words.next().ok_or("sudo: -u needs a name")? } else { rest };
                }
                other => return Err(format!("sudo: option -{other} is not supported here")),
            }
        }
    }
    let mut assigned = Vec::new();
    while let Some(word) = words.next_if(|word| is_assignment(word)) {
        let (name, value) = word.split_once('=').unwrap_or((&word, ""));
        assigned.push((name.to_owned(), value.to_owned()));
    }
    let command: Vec<String> = words.collect();
    let program = match (login, shell, command.is_empty()) {
        (true, true, _) => return Err("sudo: -i and -s exclude each other".to_owned()),
        (true, false, _) => Program::Login(command),
        (false, true, _) => Program::Shell(command),
        (false, false, true) => return Err(USAGE.to_owned()),
        (false, false, false) => Program::Command(command),
    };
    Ok(Wish::Run(Request { user, program, keep_env, assigned }))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let mut letters = name.bytes();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn request(line: &str) -> Request {
        match parse(words(line)) {
            Ok(Wish::Run(request)) => request,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let asked = request("-nE -u postgres A=1 psql -u x B=2");
        assert_eq!(asked.user, "postgres");
        assert!(asked.keep_env);
        assert_eq!(asked.assigned, [("A".to_owned(), "1".to_owned())]);
        assert_eq!(asked.program, Program::Command(words("psql -u x B=2")));
        assert_eq!(request("-- -x").program, Program::Command(words("-x")));
    }

    #[test]
    fn shells_need_no_command() {
        assert_eq!(request("-i").program, Program::Login(vec![]));
        assert_eq!(request("-upostgres -s ls").program, Program::Shell(words("ls")));
        assert_eq!(request("--user=a --login").user, "a");
    }

    #[test]
    fn what_is_not_supported_is_said() {
        assert!(parse(words("-l")).is_err_and(|line| line.contains("-l")));
        assert!(parse(words("")).is_err_and(|line| line.contains("usage")));
        assert!(parse(words("-is")).is_err());
        assert_eq!(parse(words("-V")), Ok(Wish::Version));
        assert_eq!(parse(words("-v")), Ok(Wish::Nothing));
    }
}
