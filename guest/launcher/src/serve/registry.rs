// SPDX-License-Identifier: Apache-2.0
use crate::error::{LauncherError, Result};
use crate::host::Host;
use crate::record::BootRecord;
use crate::sys::pidfd;
use isola_wire::launcher::{SandboxList, SandboxRow};
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Who is to be told when something about a sandbox is done.
#[derive(Debug)]
pub enum Waiter {
    Reply(Reply),
    /// The prepare that failed: it is answered when what it left is gone.
    FailedPrepare(Reply, LauncherError),
    Sweep(u32),
}

/// Where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    pub connection: u32,
    pub request: u32,
}

#[derive(Debug)]
pub enum State {
    /// Those who want it removed as soon as it is made.
    Creating(Vec<Waiter>),
    Live,
    Removing(Vec<Waiter>),
}

impl State {
    fn describe(&self) -> &'static str {
        match self {
            Self::Creating(_) => "being created",
            Self::Live => "there already",
            Self::Removing(_) => "being removed",
        }
    }
}

/// How the end of a sandbox is noticed that is not our child.
#[derive(Debug)]
pub struct Watch {
    pidfd: OwnedFd,
    /// Its own for as long as the launcher lives, unlike a pid.
    pub number: u32,
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// One sandbox as the launcher knows it.
#[derive(Debug)]
pub struct Entry {
    pub state: State,
    pub record: Option<BootRecord>,
    pub uid_base: Option<u32>,
    /// Only for sandboxes of an earlier launcher, which are not our children.
    pub watch: Option<Watch>,
    pub has_exited: bool,
}

#[derive(Default)]
pub struct Registry {
    entries: BTreeMap<String, Entry>,
}

impl Registry {
    /// Takes over what earlier launchers left in the state directory, dead or alive.
    pub fn adopt(host: &Host) -> Self {
        let mut registry = Self::default();
        let found = fs::read_dir(host.state.sandboxes()).into_iter().flatten().filter_map(Result::ok);
        for (number, entry) in (0..).zip(found) {
            let Ok(sandbox_id) = entry.file_name().into_string() else { continue };
            let record = BootRecord::read(&entry.path());
            let pidfd = record.as_ref().and_then(BootRecord::live_pid).and_then(|pid| pidfd::open(pid).ok());
            let watch = pidfd.map(|pidfd| Watch { pidfd, number });
            let adopted = Entry {
                state: State::Live,
                uid_base: record.as_ref().map(|record| record.uid_base),
                has_exited: watch.is_none(),
                record,
                watch,
            };
            registry.entries.insert(sandbox_id, adopted);
        }
        registry
    }

    pub fn begin(&mut self, sandbox_id: &str) -> Result<()> {
        if let Some(entry) = self.entries.get(sandbox_id) {
            return Err(busy(sandbox_id, &entry.state));
        }
        let entry =
            Entry { state: State::Creating(vec![]), record: None, uid_base: None, watch: None, has_exited: false };
        self.entries.insert(sandbox_id.to_owned(), entry);
        Ok(())
    }

    pub fn get_mut(&mut self, sandbox_id: &str) -> Option<&mut Entry> {
        self.entries.get_mut(sandbox_id)
    }

    /// The record of a sandbox that can be worked with.
    pub fn live(&self, sandbox_id: &str) -> Result<&BootRecord> {
        let missing = || LauncherError::SandboxNotFound { sandbox_id: sandbox_id.to_owned() };
        let entry = self.entries.get(sandbox_id).ok_or_else(missing)?;
        match (&entry.state, &entry.record) {
            (State::Live, Some(record)) if !entry.has_exited => Ok(record),
            (State::Live, _) => Err(missing()),
            (state, _) => Err(busy(sandbox_id, state)),
        }
    }

    /// Begins a removal. True when the caller has to start it, false when it is under way or comes later.
    pub fn begin_removal(&mut self, sandbox_id: &str, waiter: Waiter) -> bool {
        match self.entries.get_mut(sandbox_id).map(|entry| &mut entry.state) {
            Some(State::Creating(waiters) | State::Removing(waiters)) => {
                waiters.push(waiter);
                false
            }
            Some(state) => {
                *state = State::Removing(vec![waiter]);
                true
            }
            None => {
                let state = State::Removing(vec![waiter]);
                let entry = Entry { state, record: None, uid_base: None, watch: None, has_exited: true };
                self.entries.insert(sandbox_id.to_owned(), entry);
                true
            }
        }
    }

    pub fn remove(&mut self, sandbox_id: &str) -> Option<Entry> {
        self.entries.remove(sandbox_id)
    }

    pub fn put_back(&mut self, sandbox_id: &str, entry: Entry) {
        self.entries.insert(sandbox_id.to_owned(), entry);
    }

    /// The sandbox whose pid 1 is this child of ours. One that has ended, or is watched because it never was our child,
    /// may bear a number that the kernel has given out again.
    pub fn by_pid(&self, pid: i32) -> Option<String> {
        let pid_of = |entry: &Entry| entry.record.as_ref().and_then(|record| record.pid);
        self.find(|entry| !entry.has_exited && entry.watch.is_none() && pid_of(entry) == Some(pid))
    }

    pub fn by_watch(&self, number: u32) -> Option<String> {
        self.find(|entry| entry.watch.as_ref().is_some_and(|watch| watch.number == number))
    }

    fn find(&self, is_it: impl Fn(&Entry) -> bool) -> Option<String> {
        self.entries.iter().find(|(_, entry)| is_it(entry)).map(|(sandbox_id, _)| sandbox_id.clone())
    }

    pub fn ids(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    pub fn entries(&self) -> impl Iterator<Item = (&String, &Entry)> {
        self.entries.iter()
    }

    pub fn list(&self) -> SandboxList {
        let row = |(sandbox_id, entry): (&String, &Entry)| SandboxRow {
            sandbox_id: sandbox_id.clone(),
            pid: entry.record.as_ref().and_then(|record| record.pid).map(|pid| pid as u32),
            start_time_ticks: entry.record.as_ref().and_then(|record| record.start_time_ticks),
            alive: !entry.has_exited && entry.record.as_ref().is_some_and(|record| record.live_pid().is_some()),
        };
        SandboxList { sandboxes: self.entries.iter().map(row).collect() }
    }
}

fn busy(sandbox_id: &str, state: &State) -> LauncherError {
    LauncherError::SandboxBusy { sandbox_id: sandbox_id.to_owned(), state: state.describe().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::cgroup::Placement;
    use crate::layer::Layer;
    use std::fs::File;

    const REPLY: Reply = Reply { connection: 1, request: 1 };

    /// Every one with the same pid.
    fn with_pid(sandbox_id: &str, has_exited: bool, watch: Option<Watch>) -> Entry {
        let record = BootRecord {
            sandbox_id: sandbox_id.into(),
            uid_base: 0,
            cgroups: Placement::default(),
            layer: Layer::Directory("/layer".into()),
            pid: Some(7),
            start_time_ticks: Some(9),
        };
        Entry { state: State::Live, record: Some(record), uid_base: None, watch, has_exited }
    }

    fn watch(number: u32) -> Option<Watch> {
        Some(Watch { pidfd: File::open("/dev/null").unwrap().into(), number })
    }

    #[test]
    fn the_end_of_a_sandbox_is_not_taken_for_that_of_an_older_one_with_the_same_pid() {
        let mut registry = Registry::default();
        registry.put_back("a-ended", with_pid("a-ended", true, None));
        registry.put_back("b-of-an-earlier-launcher", with_pid("b-of-an-earlier-launcher", false, watch(0)));
        assert_eq!(registry.by_pid(7), None);
        registry.put_back("c-new", with_pid("c-new", false, None));
        assert_eq!(registry.by_pid(7).as_deref(), Some("c-new"));
    }

    #[test]
    fn the_end_of_an_adopted_sandbox_finds_it_by_its_watch() {
        let mut registry = Registry::default();
        registry.put_back("a-ended", with_pid("a-ended", true, None));
        registry.put_back("b", with_pid("b", false, watch(1)));
        registry.put_back("c", with_pid("c", false, watch(2)));
        assert_eq!(registry.by_watch(2).as_deref(), Some("c"));
        assert_eq!(registry.by_watch(0), None);
    }

    #[test]
    fn an_id_can_be_used_once_at_a_time() {
        let mut registry = Registry::default();
        registry.begin("a1").unwrap();
        assert!(registry.begin("a1").unwrap_err().to_string().contains("being created"));
    }

    #[test]
    fn a_removal_asked_for_during_a_create_waits_for_it() {
        let mut registry = Registry::default();
        registry.begin("a1").unwrap();
        assert!(!registry.begin_removal("a1", Waiter::Reply(REPLY)));
        registry.get_mut("a1").unwrap().state = State::Live;
        assert!(registry.begin_removal("a1", Waiter::Reply(REPLY)));
        assert!(!registry.begin_removal("a1", Waiter::Reply(REPLY)), "the second caller only waits");
    }

    #[test]
    fn removing_what_never_was_is_still_done_once() {
        let mut registry = Registry::default();
        assert!(registry.begin_removal("ghost", Waiter::Reply(REPLY)));
        assert!(registry.remove("ghost").is_some());
        assert!(matches!(registry.live("ghost"), Err(LauncherError::SandboxNotFound { .. })));
    }
}
