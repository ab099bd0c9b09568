// SPDX-License-Identifier: Apache-2.0
use super::Child;
use super::children::Placement;
use super::hierarchy::{Controller, Hierarchy, Version};
use isola_wire::launcher::Stats;
use std::fs;

impl Placement {
    /// What the kernel counts for this sandbox; a figure that no hierarchy here has is absent.
    pub fn stats(&self) -> Stats {
        let (current, peak) = match self.with(Controller::Memory).map(|hierarchy| hierarchy.version) {
            Some(Version::V1) => ("memory.usage_in_bytes", "memory.max_usage_in_bytes"),
            _ => ("memory.current", "memory.peak"),
        };
        let work_pids = self.with(Controller::Pids).map(|hierarchy| hierarchy.below(Child::Work.name()));
        Stats {
            memory_bytes: self.with(Controller::Memory).and_then(|hierarchy| number(hierarchy, current)),
            memory_peak_bytes: self.with(Controller::Memory).and_then(|hierarchy| number(hierarchy, peak)),
            cpu_usec: self.cpu_usec(),
            // The spawner is there as well and is not the tenant's.
            pids: work_pids.and_then(|work| number(&work, "pids.current")).map(|pids| pids.saturating_sub(1)),
            oom_kills: self
                .oom_counter()
                .and_then(|path| fs::read_to_string(path).ok())
                .and_then(|text| value_of(&text, "oom_kill")),
        }
    }

    fn cpu_usec(&self) -> Option<u64> {
        let v2 = self.first_v2().and_then(|hierarchy| text(hierarchy, "cpu.stat"));
        v2.and_then(|text| value_of(&text, "usage_usec")).or_else(|| {
            let nanoseconds = self.with(Controller::Cpu).and_then(|hierarchy| number(hierarchy, "cpuacct.usage"));
            nanoseconds.map(|value| value / 1000)
        })
    }

    fn with(&self, controller: Controller) -> Option<&Hierarchy> {
        self.hierarchies.iter().find(|hierarchy| hierarchy.has(controller))
    }
}

fn text(hierarchy: &Hierarchy, file: &str) -> Option<String> {
    fs::read_to_string(hierarchy.directory.join(file)).ok()
}

fn number(hierarchy: &Hierarchy, file: &str) -> Option<u64> {
    text(hierarchy, file)?.trim().parse().ok()
}

fn value_of(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_memory_kills_are_read_from_either_version() {
        assert_eq!(value_of("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill"), Some(3));
        assert_eq!(value_of("low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\n", "oom_kill"), Some(2));
        assert_eq!(value_of("usage_usec 1234\nuser_usec 1\n", "usage_usec"), Some(1234));
        assert_eq!(value_of("", "oom_kill"), None);
    }
}
