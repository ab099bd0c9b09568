// SPDX-License-Identifier: Apache-2.0
use crate::cgroup::CgroupRoots;
use crate::error::{Failed, LauncherError, Result};
use crate::layer::LayerStore;
use crate::mount::{Stage, make_stage};
use crate::network::RelayProcess;
use crate::state_dir::StateDir;
use crate::sys::{descriptors, machine, memory_file};
use crate::users::Identity;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

/// What every create, destroy and probe needs to know of this host. Made once; children inherit it.
pub struct Host {
    pub state: StateDir,
    pub identity: Identity,
    pub cgroups: CgroupRoots,
    pub layers: LayerStore,
    pub stage: Stage,
    /// The agent's program: a sealed copy in memory, so that no sandbox can reach the file on disk through it.
    program: OwnedFd,
    /// Soft and hard limit of open files as the launcher was started, which is what sandboxes start with.
    pub open_files: (u64, u64),
    pub memory_bytes: u64,
    /// Started when the first sandbox is to reach anything.
    pub relay: Option<RelayProcess>,
}

impl Host {
    pub fn open(state: StateDir, identity: Identity, agent: &Path) -> Result<Self> {
        let open_files = descriptors::open_file_limit();
        descriptors::raise_open_file_limit();
        let program = load_program(agent)?;
        let stage = make_stage(state.path(), identity.rootless)?;
        let cgroups = CgroupRoots::open(&state.tag());
        let layers = LayerStore::open(&state, identity.rootless);
        let memory_bytes = machine::memory_bytes().failed("ask for", "size of memory")?;
        Ok(Self { state, identity, cgroups, layers, stage, program, open_files, memory_bytes, relay: None })
    }

    pub fn program(&self) -> BorrowedFd<'_> {
        self.program.as_fd()
    }

    /// The descriptors that a child may keep.
    pub fn descriptors(&self) -> Vec<RawFd> {
        let own = [self.program.as_raw_fd(), self.stage.namespace().as_raw_fd()];
        own.into_iter().chain(self.relay.as_ref().map(RelayProcess::channel)).collect()
    }
}

fn load_program(agent: &Path) -> Result<OwnedFd> {
    let mut file = File::open(agent).failed_on("open agent", agent)?;
    match memory_file::sealed_copy(&mut file) {
        Ok(program) => Ok(program),
        // Executing from memory may be forbidden (vm.memfd_noexec): then the file itself, which its owner's
        // absence from the sandbox's id mapping keeps unwritable.
        Err(error) if matches!(error.raw_os_error(), Some(libc::EACCES | libc::EPERM | libc::ENOSYS)) => {
            File::open(agent).failed_on("open agent", agent).map(OwnedFd::from)
        }
        Err(error) => Err::<OwnedFd, LauncherError>(
            Err::<(), _>(error).failed_on("copy agent to memory", agent).expect_err("it failed"),
        ),
    }
}
