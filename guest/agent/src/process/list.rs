// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::{ProcessInfo, ProcessList};

use super::table::Process;
use crate::agent::Agent;

/// A list must fit one frame, whatever the arguments: longer ones are cut.
const MAX_ARGUMENTS: usize = 64;
const MAX_ARGV_BYTES: usize = 512;

impl Agent {
    pub fn list_processes(&self) -> ProcessList {
        let running = self.processes.table.values().filter(|process| process.is_running());
        ProcessList { processes: running.map(info).collect() }
    }
}

fn info(process: &Process) -> ProcessInfo {
    let mut room = MAX_ARGV_BYTES;
    let fits = |argument: &&String| {
        room = room.saturating_sub(argument.len());
        room > 0
    };
    ProcessInfo {
        process_id: process.id.clone(),
        pid: process.pid.map_or(0, |pid| pid.as_raw_nonzero().get() as u32),
        argv: process.argv.iter().take(MAX_ARGUMENTS).take_while(fits).cloned().collect(),
        user: process.user.clone(),
        started_at_ms: process.started_at_ms,
    }
}
