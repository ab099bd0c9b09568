// SPDX-License-Identifier: Apache-2.0
use isola_wire::{Failure, code};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::Path;

pub type Result<T, E = LauncherError> = std::result::Result<T, E>;

/// Everything that can go wrong here. It crosses the pipes between the launcher and its children.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum LauncherError {
    /// The request itself is wrong.
    Request {
        message: String,
    },
    UnknownOperation {
        op: String,
    },
    SandboxNotFound {
        sandbox_id: String,
    },
    /// The sandbox is there already, or is being made or removed.
    SandboxBusy {
        sandbox_id: String,
        state: String,
    },
    /// The limit cannot be enforced on this host.
    LimitUnenforceable {
        limit: String,
        reason: String,
    },
    /// A resource of the launcher itself has run out.
    Exhausted {
        resource: String,
        most: u64,
    },
    /// A step on the host failed: what was done, on what, and what the kernel said.
    Step {
        step: String,
        value: String,
        errno: Option<i32>,
        detail: Option<String>,
        hint: Option<String>,
    },
    /// A child that was working on the request ended without an answer.
    Interrupted {
        step: String,
        status: String,
    },
}

impl LauncherError {
    pub fn request(message: impl Into<String>) -> Self {
        Self::Request { message: message.into() }
    }

    /// A failed step that no system call stands behind.
    pub fn step(step: &str, value: impl fmt::Display, detail: impl Into<String>) -> Self {
        Self::Step { step: step.into(), value: value.to_string(), errno: None, detail: Some(detail.into()), hint: None }
    }

    /// Adds what the reader can do about a failed step.
    #[must_use]
    pub fn hint(mut self, text: &str) -> Self {
        if let Self::Step { hint, .. } = &mut self {
            *hint = Some(text.to_owned());
        }
        self
    }

    /// What the reader can do about it, when there is something.
    pub fn hint_text(&self) -> Option<&str> {
        match self {
            Self::Step { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }

    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Step { errno, .. } => *errno,
            _ => None,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Request { .. } => code::REQUEST_INVALID,
            Self::UnknownOperation { .. } => code::REQUEST_UNKNOWN_OPERATION,
            Self::SandboxNotFound { .. } => code::SANDBOX_NOT_FOUND,
            Self::SandboxBusy { .. } => code::SANDBOX_STATE_CONFLICT,
            Self::LimitUnenforceable { .. } => code::LIMIT_UNENFORCEABLE,
            Self::Exhausted { .. } => code::LIMIT_EXHAUSTED,
            Self::Step { errno: Some(libc::ENOSPC | libc::EDQUOT), .. } => code::HOST_NO_SPACE,
            Self::Step { .. } | Self::Interrupted { .. } => code::HOST_LAUNCHER_FAILED,
        }
    }

    /// The form that the server gets.
    pub fn to_failure(&self) -> Failure {
        let failure = Failure::new(self.code(), self.to_string());
        match self {
            Self::Step { step, value, errno, hint, .. } => {
                let mut failure = failure.with("step", step.as_str()).with("value", value.as_str());
                if let Some(errno) = errno {
                    failure = failure.with("errno", *errno);
                }
                if let Some(hint) = hint {
                    failure = failure.with("hint", hint.as_str());
                }
                failure
            }
            Self::SandboxNotFound { sandbox_id } | Self::SandboxBusy { sandbox_id, .. } => {
                failure.with("sandboxId", sandbox_id.as_str())
            }
            Self::LimitUnenforceable { limit, reason } => {
                failure.with("limit", limit.as_str()).with("reason", reason.as_str())
            }
            _ => failure,
        }
    }
}

impl fmt::Display for LauncherError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { message } => write!(out, "{message}"),
            Self::UnknownOperation { op } => write!(out, "operation {op:?} is unknown to this launcher"),
            Self::SandboxNotFound { sandbox_id } => write!(out, "sandbox {sandbox_id} is not known to the launcher"),
            Self::SandboxBusy { sandbox_id, state } => write!(out, "sandbox {sandbox_id} is {state}"),
            Self::LimitUnenforceable { limit, reason } => {
                write!(out, "limit {limit} cannot be enforced here: {reason}")
            }
            Self::Exhausted { resource, most } => write!(out, "no {resource} left: all {most} are in use"),
            Self::Step { step, value, errno, detail, .. } => {
                write!(out, "{step} {value}")?;
                if let Some(errno) = errno {
                    write!(out, ": {}", io::Error::from_raw_os_error(*errno))?;
                }
                if let Some(detail) = detail {
                    write!(out, ": {detail}")?;
                }
                Ok(())
            }
            Self::Interrupted { step, status } => write!(out, "{step} ended without an answer: {status}"),
        }
    }
}

impl std::error::Error for LauncherError {}

/// Names the step and the value on which a system call failed.
pub trait Failed<T> {
    fn failed(self, step: &str, value: impl fmt::Display) -> Result<T>;

    fn failed_on(self, step: &str, path: &Path) -> Result<T>
    where
        Self: Sized,
    {
        self.failed(step, path.display())
    }
}

impl<T> Failed<T> for io::Result<T> {
    fn failed(self, step: &str, value: impl fmt::Display) -> Result<T> {
        self.map_err(|error| LauncherError::Step {
            step: step.to_owned(),
            value: value.to_string(),
            errno: error.raw_os_error(),
            detail: error.raw_os_error().is_none().then(|| error.to_string()),
            hint: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_names_step_value_errno_and_hint() {
        let error = io::Result::<()>::Err(io::Error::from_raw_os_error(libc::EPERM))
            .failed("mount proc on", "/new/proc")
            .unwrap_err()
            .hint("run it outside of a container");
        assert_eq!(error.to_string(), "mount proc on /new/proc: Operation not permitted (os error 1)");
        let failure = error.to_failure();
        assert_eq!(failure.code, "host.launcher_failed");
        assert_eq!(failure.context["errno"], 1);
        assert_eq!(failure.context["hint"], "run it outside of a container");
    }

    #[test]
    fn a_full_disk_has_its_own_code() {
        let error = io::Result::<()>::Err(io::Error::from_raw_os_error(libc::ENOSPC)).failed("write", "boot.json");
        assert_eq!(error.unwrap_err().to_failure().code, "host.no_space");
    }

    #[test]
    fn errors_survive_the_pipe_between_processes() {
        let error = LauncherError::SandboxBusy { sandbox_id: "a1".into(), state: "being removed".into() };
        let text = serde_json::to_string(&error).unwrap();
        assert_eq!(serde_json::from_str::<LauncherError>(&text).unwrap(), error);
    }
}
