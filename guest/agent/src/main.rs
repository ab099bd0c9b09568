// SPDX-License-Identifier: Apache-2.0
//! `isola-agent agent --boot-fd N`: pid 1 of a sandbox.
//! `isola-agent spawner --fd N`: starts processes for the agent.
//! Called as `sudo`: asks the agent for a root process.
#![deny(unsafe_code)]

mod account;
mod agent;
mod boot;
mod chores;
mod dispatch;
mod file;
mod home;
mod link;
mod personalise;
mod poll;
mod process;
mod reap;
mod seccomp;
mod spawner;
mod streams;
mod sudo;
mod sys;
mod timers;

use std::process::ExitCode;

const USAGE: &str = "usage: isola-agent agent --boot-fd N | isola-agent spawner --fd N | isola-agent --version";
/// As in sysexits.h: the command line, and a fault of our own.
const EXIT_USAGE: u8 = 64;
const EXIT_FAULT: u8 = 70;

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let called = arguments.next().unwrap_or_default();
    if called.rsplit('/').next() == Some("sudo") {
        return sudo::run(arguments.collect());
    }
    let arguments: Vec<String> = arguments.collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["agent", "--boot-fd", number] => number.parse().map(boot::run),
        ["spawner", "--fd", number] => {
            number.parse().map(|number| spawner::serve(number).map_err(|error| format!("serve the spawner: {error}")))
        }
        ["--version"] => {
            println!("isola-agent {}", agent::VERSION);
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(message)) => {
            eprintln!("isola-agent: {message}");
            ExitCode::from(EXIT_FAULT)
        }
        Err(_) => {
            eprintln!("{USAGE}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}
