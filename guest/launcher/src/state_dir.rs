// SPDX-License-Identifier: Apache-2.0
use crate::error::{Failed, LauncherError, Result};
use crate::sys::{descriptors, identity};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A longer path would leave no room for a socket's name below it (107 bytes in all).
const LONGEST_PATH_BYTES: usize = 80;
/// What `sockaddr_un` holds, less the closing NUL.
const LONGEST_SOCKET_PATH_BYTES: usize = 107;

/// Holds a directory for each sandbox.
pub const SANDBOXES: &str = "sandboxes";

/// How names of what was made ahead begin. No id of a sandbox can.
pub const SEAT_PREFIX: &str = "seat-";

/// The launcher's directory. Only its owner may look inside: it holds every sandbox's files.
#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// Makes what is missing, and refuses a directory that somebody else owns or may enter.
    pub fn open(path: &Path) -> Result<Self> {
        let length = path.as_os_str().len();
        if !path.is_absolute() || length > LONGEST_PATH_BYTES {
            return Err(LauncherError::request(format!(
                "state directory {} must be an absolute path of at most {LONGEST_PATH_BYTES} bytes, it has {length}",
                path.display()
            )));
        }
        let state = Self { path: path.to_owned() };
        private_directory(path)?;
        for directory in [state.sandboxes(), state.seats(), state.layers(), state.trash(), state.exits()] {
            private_directory(&directory)?;
        }
        Ok(state)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn socket(&self) -> PathBuf {
        self.path.join("launcher.sock")
    }

    /// Where the server finds the egress relay.
    pub fn relay_socket(&self) -> PathBuf {
        self.path.join("relay.sock")
    }

    pub fn sandboxes(&self) -> PathBuf {
        self.path.join(SANDBOXES)
    }

    /// What is made ahead, before it is known for whom.
    pub fn seats(&self) -> PathBuf {
        self.path.join("seats")
    }

    /// The directory of a sandbox, or of one made ahead.
    pub fn sandbox(&self, name: &str) -> PathBuf {
        let parent = if name.starts_with(SEAT_PREFIX) { self.seats() } else { self.sandboxes() };
        parent.join(name)
    }

    /// Where the server finds the agent of a sandbox.
    pub fn agent_socket(&self, sandbox_id: &str) -> Result<String> {
        let path = self.sandbox(sandbox_id).join("agent.sock").display().to_string();
        if path.len() > LONGEST_SOCKET_PATH_BYTES {
            return Err(LauncherError::request(format!(
                "socket path {path} has {} bytes, more than the {LONGEST_SOCKET_PATH_BYTES} a socket can have: \
                 choose a shorter state directory",
                path.len()
            )));
        }
        Ok(path)
    }

    /// Subvolumes of all sandboxes, when the host can make them.
    pub fn layers(&self) -> PathBuf {
        self.path.join("layers")
    }

    /// The file that is mounted at `layers`.
    pub fn layers_file(&self) -> PathBuf {
        self.path.join("layers.btrfs")
    }

    /// Directories that wait for their removal in the background.
    pub fn trash(&self) -> PathBuf {
        self.path.join("trash")
    }

    /// Facts about sandboxes that ended, until the server has read them.
    pub fn exits(&self) -> PathBuf {
        self.path.join("exits")
    }

    /// Takes the lock that only one launcher can have. It is free as soon as its holder is gone.
    pub fn lock(&self) -> Result<Option<File>> {
        let path = self.path.join("launcher.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .failed_on("open", &path)?;
        Ok(descriptors::try_lock(file.as_fd()).failed_on("lock", &path)?.then_some(file))
    }

    /// Names the cgroups of this launcher, so that two launchers with two directories never meet.
    pub fn tag(&self) -> String {
        // FNV-1a: stable across versions, which a hasher of the standard library is not.
        let hash = self
            .path
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
        format!("isola-{hash:08x}")
    }
}

fn private_directory(path: &Path) -> Result<()> {
    if let Err(error) = DirBuilder::new().mode(0o700).create(path) {
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        if !exists {
            return Err(error).failed_on("make directory", path);
        }
    }
    let metadata = fs::symlink_metadata(path).failed_on("look at", path)?;
    if !metadata.is_dir() || metadata.uid() != identity::user_id() {
        return Err(LauncherError::step("use directory", path.display(), "it is not a directory of this user"));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).failed_on("close to others", path)?;
    }
    Ok(())
}

/// Ids become names of directories and cgroups, so nothing but these bytes may be in them.
pub fn check_sandbox_id(sandbox_id: &str) -> Result<()> {
    let fits = (1..=64).contains(&sandbox_id.len())
        && sandbox_id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if fits {
        return Ok(());
    }
    Err(LauncherError::request(format!("sandbox id {sandbox_id:?} must be 1 to 64 of a-z and 0-9")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(path: &str) -> StateDir {
        StateDir { path: path.into() }
    }

    #[test]
    fn ids_that_would_leave_the_directory_are_refused() {
        for bad in ["", "..", "a/b", "A", "seat-1", &"a".repeat(65)] {
            assert!(check_sandbox_id(bad).is_err(), "{bad:?} must be refused");
        }
        assert!(check_sandbox_id("0a9z").is_ok());
    }

    #[test]
    fn a_socket_path_that_no_client_could_dial_is_refused() {
        let long = state(&format!("/{}", "d".repeat(70)));
        assert!(long.agent_socket(&"a".repeat(20)).is_err());
        assert_eq!(state("/s").agent_socket("a1").unwrap(), "/s/sandboxes/a1/agent.sock");
    }

    #[test]
    fn the_tag_depends_on_the_directory_alone() {
        assert_eq!(state("/var/lib/isola/namespace").tag(), state("/var/lib/isola/namespace").tag());
        assert_ne!(state("/a").tag(), state("/b").tag());
        assert_eq!(state("").tag(), "isola-811c9dc5");
    }
}
