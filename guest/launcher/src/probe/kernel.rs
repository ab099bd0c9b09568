// SPDX-License-Identifier: Apache-2.0
use super::Probe;
use super::attempt::Check;
use crate::error::{Failed, LauncherError, Result};
use crate::sys::{fork, memory_file, pidfd, seccomp};
use crate::users::user_namespace_hint;
use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::AsFd;

const APPARMOR: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

impl Probe<'_> {
    pub(super) fn kernel_checks(&self) -> Vec<Check> {
        vec![
            Check::attempt("seccomp", || {
                seccomp::load_harmless_filter().failed("load", "system call filter")?;
                Ok(format!("filters load; Landlock version {}", seccomp::landlock_version()))
            }),
            Check::attempt("memfd-exec", execute_from_memory),
            Check::attempt("pidfd", watch_a_process),
            Check { id: "apparmor-userns", result: self.apparmor() },
        ]
    }

    /// The restriction does not concern root, and not a launcher that has a profile: then namespaces just work.
    fn apparmor(&self) -> Result<String> {
        match fs::read_to_string(APPARMOR) {
            Err(_) => Ok("AppArmor does not restrict user namespaces on this kernel".into()),
            Ok(value) if value.trim() != "1" => Ok(format!("{APPARMOR} is {}", value.trim())),
            Ok(_) if !self.identity.rootless => Ok("restricted for others, but not for root".into()),
            Ok(_) => Ok("restricted, but this launcher has a profile that allows it".into()),
        }
    }
}

/// What stands for the check when user namespaces do not work at all.
pub fn apparmor_when_blocked() -> Result<String> {
    match fs::read_to_string(APPARMOR) {
        Ok(value) if value.trim() == "1" => {
            Err(LauncherError::step("use", "user namespaces", format!("{APPARMOR} is 1")).hint(user_namespace_hint()))
        }
        _ => Ok("AppArmor does not restrict user namespaces on this kernel".into()),
    }
}

/// Runs this very program from a sealed copy in memory.
fn execute_from_memory() -> Result<String> {
    let own = "/proc/self/exe";
    let mut file = File::open(own).failed("open", own)?;
    let copy = memory_file::sealed_copy(&mut file).failed("make", "executable file in memory").map_err(|error| {
        error.hint("vm.memfd_noexec forbids it; the launcher then executes the agent's file itself")
    })?;
    match fork::fork().failed("fork", "attempt")? {
        fork::Side::Child => {
            let argv = [c"isola-launcher", c"nothing"].map(CString::from);
            let _ = fork::execute_descriptor(copy.as_fd(), &argv, &[]);
            fork::exit_now(1)
        }
        fork::Side::Parent(pid) => match fork::wait_for(pid).failed("wait for", "attempt")? {
            fork::Ended::Code(0) => Ok("a sealed copy in memory was executed".into()),
            _ => Err(LauncherError::step("execute", "file in memory", "the kernel refused it")
                .hint("vm.memfd_noexec forbids it; the launcher then executes the agent's file itself")),
        },
    }
}

fn watch_a_process() -> Result<String> {
    match fork::fork().failed("fork", "attempt")? {
        fork::Side::Child => fork::exit_now(0),
        fork::Side::Parent(pid) => {
            let watched = pidfd::open(pid).failed("open", "pidfd").map_err(|error| error.hint("needs Linux 5.3"))?;
            if pidfd::wait_gone(watched.as_fd(), 5000).failed("wait for", "pidfd")? {
                return Ok("the end of a process was seen".into());
            }
            Err(LauncherError::step("wait for", "pidfd", "the end of the process was not seen"))
        }
    }
}
