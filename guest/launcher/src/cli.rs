// SPDX-License-Identifier: Apache-2.0
use crate::error::{LauncherError, Result};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the launcher was told to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Serve {
        state: PathBuf,
        agent: PathBuf,
        /// An inherited descriptor on which one line tells how starting went.
        ready_fd: Option<i32>,
        /// Set by the launcher itself when it executes itself in its user namespace.
        outer: Option<String>,
    },
    Probe {
        state: Option<PathBuf>,
    },
    /// What the launcher starts beside itself.
    Relay {
        /// Where the server connects.
        listener_fd: i32,
        launcher_fd: i32,
    },
    Version,
    /// Ends at once: proof that this program can be executed from memory.
    Nothing,
}

pub const USAGE: &str = "\
usage: isola-launcher serve --state DIR --agent FILE [--ready-fd N]
       isola-launcher probe [--state DIR]
       isola-launcher version";

pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command> {
    let mut arguments = arguments.into_iter();
    let command = arguments.next().ok_or_else(|| LauncherError::request(USAGE))?;
    let (mut state, mut agent, mut ready_fd, mut outer) = (None, None, None, None);
    let (mut listener_fd, mut launcher_fd) = (None, None);
    while let Some(option) = arguments.next() {
        let name = option.to_string_lossy().into_owned();
        let value = arguments.next().ok_or_else(|| LauncherError::request(format!("option {name} wants a value")))?;
        match name.as_str() {
            "--state" => state = Some(PathBuf::from(value)),
            "--agent" => agent = Some(PathBuf::from(value)),
            "--ready-fd" => ready_fd = Some(descriptor(&name, &value)?),
            "--listener-fd" => listener_fd = Some(descriptor(&name, &value)?),
            "--launcher-fd" => launcher_fd = Some(descriptor(&name, &value)?),
            "--outer" => outer = Some(value.to_string_lossy().into_owned()),
            _ => return Err(LauncherError::request(format!("option {name} is unknown\n{USAGE}"))),
        }
    }
    let missing = |name: &str| LauncherError::request(format!("{} wants {name}\n{USAGE}", command.to_string_lossy()));
    match command.to_string_lossy().as_ref() {
        "serve" => Ok(Command::Serve {
            state: state.ok_or_else(|| missing("--state"))?,
            agent: agent.ok_or_else(|| missing("--agent"))?,
            ready_fd,
            outer,
        }),
        "probe" => Ok(Command::Probe { state }),
        "relay" => Ok(Command::Relay {
            listener_fd: listener_fd.ok_or_else(|| missing("--listener-fd"))?,
            launcher_fd: launcher_fd.ok_or_else(|| missing("--launcher-fd"))?,
        }),
        "version" | "--version" => Ok(Command::Version),
        "nothing" => Ok(Command::Nothing),
        other => Err(LauncherError::request(format!("command {other} is unknown\n{USAGE}"))),
    }
}

/// The standard streams are not to be given away.
fn descriptor(option: &str, value: &OsString) -> Result<i32> {
    let text = value.to_string_lossy();
    text.parse()
        .ok()
        .filter(|number| *number > 2)
        .ok_or_else(|| LauncherError::request(format!("{option} wants a descriptor number above 2, not {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Command> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn serve_wants_a_state_directory_and_an_agent() {
        let serve = Command::Serve { state: "/s".into(), agent: "/a".into(), ready_fd: Some(3), outer: None };
        assert_eq!(parsed(&["serve", "--state", "/s", "--agent", "/a", "--ready-fd", "3"]).unwrap(), serve);
        assert!(parsed(&["serve", "--state", "/s"]).unwrap_err().to_string().contains("--agent"));
    }

    #[test]
    fn what_is_unknown_is_named() {
        assert!(parsed(&["dance"]).unwrap_err().to_string().contains("dance"));
        assert!(parsed(&["probe", "--color", "red"]).unwrap_err().to_string().contains("--color"));
        assert!(parsed(&["serve", "--ready-fd", "1"]).unwrap_err().to_string().contains("above 2"));
        assert!(parsed(&["probe", "--state"]).unwrap_err().to_string().contains("--state"));
    }
}
