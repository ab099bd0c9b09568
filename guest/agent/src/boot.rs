// SPDX-License-Identifier: Apache-2.0
use std::os::fd::OwnedFd;

use isola_wire::agent::BootConfig;
use isola_wire::{KEY_BYTES, from_hex};
use rustix::fs::Mode;
use rustix::io::{Errno, pread, read};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::agent::Agent;
use crate::spawner::{Spawner, confine};
use crate::sys::{allocator, fd};

const MAX_CONFIG_BYTES: usize = 64 * 1024;

/// Reads the boot configuration from descriptor `number` and is the agent until the process ends.
pub fn run(number: i32) -> Result<(), String> {
    allocator::keep_small();
    fd::seal_inherited();
    let failed = |step: &'static str| move |error: Errno| format!("{step}: {error}");
    confine::hide().map_err(failed("hide from other processes"))?;
    raise_open_files();
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let boot = fd::adopt(number).map_err(failed("open boot configuration"))?;
    let config = read_config(boot).map_err(failed("read boot configuration"))?;
    let config: BootConfig =
        serde_json::from_slice(&config).map_err(|error| format!("parse boot configuration: {error}"))?;
    let key = from_hex::<KEY_BYTES>(&config.key_hex).ok_or("parse boot configuration: keyHex is not 64 hex digits")?;
    let spawner = config.spawner_fd.map(fd::adopt).transpose().map_err(failed("open spawner socket"))?;
    let oom = config.oom_fd.map(fd::adopt).transpose().map_err(failed("open out-of-memory counter"))?;
    let spawner = Spawner::new(spawner, config.users, config.spawner_restart).map_err(failed("start the spawner"))?;
    let mut agent = Agent::new(&config, key, spawner, oom).map_err(failed("open the carrier"))?;
    agent.run().map_err(failed("wait for events"))
}

/// From the beginning where that can be asked for: whoever wrote the file shares its position.
fn read_config(file: OwnedFd) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; MAX_CONFIG_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        let room = &mut bytes[filled..];
        let count = match pread(&file, &mut *room, filled as u64) {
            Err(Errno::SPIPE) => read(&file, room),
            other => other,
        };
        match count {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Each process costs the agent up to three descriptors.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // A lower limit only means that fewer processes can run at once.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
