// SPDX-License-Identifier: Apache-2.0
//! `isola-launcher`: the only part of Isola that touches the host's kernel. It makes sandboxes, limits,
//! freezes and removes them, and knows nothing of what runs inside. `isola-launcher relay` is the process that
//! carries what leaves them.
#![deny(unsafe_code)]

mod budgets;
mod cgroup;
mod cli;
mod create;
mod destroy;
mod error;
mod exits;
mod host;
mod layer;
mod maskscan;
mod mount;
mod network;
mod probe;
mod record;
mod relay;
mod serve;
mod state_dir;
mod sys;
mod users;

use cli::Command;
use error::{LauncherError, Result};
use record::BootRecord;
use serve::{Ready, ServeOptions, Served};
use std::path::Path;
use std::process::ExitCode;
use users::{OuterMode, enter_outer, is_outer_needed, join_outer_of};

const EXIT_BUSY: u8 = 3;
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)).and_then(run) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("isola-launcher: {error}");
            if let Some(hint) = error.hint_text() {
                eprintln!("hint: {hint}");
            }
            if matches!(error, LauncherError::Request { .. }) { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve { state, agent, ready_fd, outer } => {
            let ready = ready_fd.map(Ready::new).transpose()?;
            let outer: Option<OuterMode> = match outer {
                Some(mode) => Some(mode.parse()?),
                None if is_outer_needed() => return Err(enter_outer_again(&state, ready)),
                None => None,
            };
            match serve::serve(ServeOptions { state, agent, ready, outer })? {
                Served::ToTheEnd => Ok(ExitCode::SUCCESS),
                Served::Busy => {
                    eprintln!("busy");
                    Ok(ExitCode::from(EXIT_BUSY))
                }
            }
        }
        Command::Probe { state } => {
            let result = probe::probe_alone(state.as_deref())?;
            println!("{}", serde_json::to_string(&result).unwrap_or_default());
            Ok(ExitCode::SUCCESS)
        }
        Command::Relay { listener_fd, launcher_fd } => {
            relay::serve(&relay::RelayOptions { listener_fd, launcher_fd })?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Version => {
            println!("isola-launcher {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
        Command::Nothing => Ok(ExitCode::SUCCESS),
    }
}

/// Enters the outer user namespace and executes this program again in it. The memory of a process belongs to
/// the namespace it was executed in, and with it the right to see its /proc; so the exec is needed.
fn enter_outer_again(state: &Path, ready: Option<Ready>) -> LauncherError {
    use std::os::unix::process::CommandExt;
    let joined = BootRecord::any_live_pid(state).and_then(|pid| join_outer_of(pid).ok());
    let mode = match joined.map_or_else(enter_outer, Ok) {
        Ok(mode) => mode,
        Err(error) => {
            if let Some(ready) = ready {
                ready.say(&error.to_string());
            }
            return error;
        }
    };
    if let Some(ready) = ready {
        ready.keep_through_exec();
    }
    let error = std::process::Command::new("/proc/self/exe")
        .args(std::env::args_os().skip(1))
        .args(["--outer", mode.name()])
        .exec();
    LauncherError::step("execute", "launcher in its user namespace", error.to_string())
}
