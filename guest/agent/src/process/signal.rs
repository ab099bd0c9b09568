// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::{Empty, ProcessSignal, SignalTarget};
use isola_wire::{Failure, code};
use rustix::io::Errno;
use rustix::process::{Signal, kill_process, kill_process_group};

use crate::agent::Agent;

const NAMES: [(&str, Signal); 31] = [
    ("SIGHUP", Signal::HUP),
    ("SIGINT", Signal::INT),
    ("SIGQUIT", Signal::QUIT),
    ("SIGILL", Signal::ILL),
    ("SIGTRAP", Signal::TRAP),
    ("SIGABRT", Signal::ABORT),
    ("SIGBUS", Signal::BUS),
    ("SIGFPE", Signal::FPE),
    ("SIGKILL", Signal::KILL),
    ("SIGUSR1", Signal::USR1),
    ("SIGSEGV", Signal::SEGV),
    ("SIGUSR2", Signal::USR2),
    ("SIGPIPE", Signal::PIPE),
    ("SIGALRM", Signal::ALARM),
    ("SIGTERM", Signal::TERM),
    ("SIGSTKFLT", Signal::STKFLT),
    ("SIGCHLD", Signal::CHILD),
    ("SIGCONT", Signal::CONT),
    ("SIGSTOP", Signal::STOP),
    ("SIGTSTP", Signal::TSTP),
    ("SIGTTIN", Signal::TTIN),
    ("SIGTTOU", Signal::TTOU),
    ("SIGURG", Signal::URG),
    ("SIGXCPU", Signal::XCPU),
    ("SIGXFSZ", Signal::XFSZ),
    ("SIGVTALRM", Signal::VTALARM),
    ("SIGPROF", Signal::PROF),
    ("SIGWINCH", Signal::WINCH),
    ("SIGIO", Signal::IO),
    ("SIGPWR", Signal::POWER),
    ("SIGSYS", Signal::SYS),
];

/// The name of a signal's number; real-time signals are `SIG` and the number.
pub fn signal_name(number: i32) -> String {
    let named = NAMES.iter().find(|(_, signal)| signal.as_raw() == number);
    named.map_or_else(|| format!("SIG{number}"), |(name, _)| (*name).to_owned())
}

impl Agent {
    pub fn signal_process(&mut self, wish: &ProcessSignal) -> Result<Empty, Failure> {
        let ProcessSignal { process_id, signal: name, target } = wish;
        let not_found = || Failure::new(code::PROCESS_NOT_FOUND, format!("signal process {process_id}: not found"));
        let (_, signal) = NAMES.iter().find(|(known, _)| known == name).ok_or_else(|| {
            Failure::new(code::REQUEST_INVALID, format!("signal process {process_id}: {name:?} is no signal"))
        })?;
        let (_, process) = self.processes.find(process_id).ok_or_else(not_found)?;
        // A pid whose process was reaped may be somebody else's by now.
        let pid = process.pid.filter(|_| process.status.is_none()).ok_or_else(not_found)?;
        process.killed |= *signal == Signal::KILL;
        let result = match target {
            SignalTarget::Process => kill_process(pid, *signal),
            SignalTarget::Group => kill_process_group(pid, *signal),
        };
        match result {
            Ok(()) => Ok(Empty {}),
            Err(Errno::SRCH) => Err(not_found()),
            Err(error) => Err(Failure::new(code::PROCESS_NOT_FOUND, format!("signal process {process_id}: {error}"))),
        }
    }
}
