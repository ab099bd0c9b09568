// SPDX-License-Identifier: Apache-2.0
use crate::cgroup::Placement;
use crate::error::{Failed, LauncherError, Result};
use crate::layer::Layer;
use crate::state_dir::SANDBOXES;
use crate::sys::directory::{self, Lookup};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

const NAME: &str = "boot.json";

/// What must be known about a sandbox to find all of it again. Written before anything of it exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootRecord {
    pub sandbox_id: String,
    /// 0 where the sandbox has no ids of its own.
    pub uid_base: u32,
    pub cgroups: Placement,
    pub layer: Layer,
    /// Absent until pid 1 exists, which does nothing before it stands here.
    pub pid: Option<i32>,
    pub start_time_ticks: Option<u64>,
}

impl BootRecord {
    /// Writes the record, or writes it again. One that is cut off by a kill is as good as none, and by then pid 1 has not
    /// been released: it ends by itself.
    pub fn write(&self, file: &File) -> Result<()> {
        let text = serde_json::to_vec(self).map_err(|error| LauncherError::step("write", NAME, error.to_string()))?;
        file.write_all_at(&text, 0).failed("write", NAME)?;
        // In place and hardly ever cut: a rename over the old record, or a cut, makes the filesystem's journal work.
        if file.metadata().failed("look at", NAME)?.len() > text.len() as u64 {
            file.set_len(text.len() as u64).failed("cut", NAME)?;
        }
        Ok(())
    }

    /// `None` when there is none or it is unreadable: then the sandbox has at most what its id implies.
    pub fn read(sandbox: &Path) -> Option<Self> {
        let mut text = String::new();
        File::open(sandbox.join(NAME)).ok()?.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The pid if it is still the process that was started: numbers are used again.
    pub fn live_pid(&self) -> Option<i32> {
        let (pid, started) = (self.pid?, self.start_time_ticks?);
        (start_time_ticks(pid) == Some(started)).then_some(pid)
    }
}

impl BootRecord {
    /// Pid 1 of some sandbox in this state directory that an earlier launcher made.
    pub fn any_live_pid(state: &Path) -> Option<i32> {
        let sandboxes = fs::read_dir(state.join(SANDBOXES)).ok()?;
        sandboxes.filter_map(Result::ok).find_map(|entry| Self::read(&entry.path())?.live_pid())
    }
}

/// Makes a record that says nothing yet and keeps it open: later, no path leads to it any more.
pub fn create_blank(sandbox: BorrowedFd<'_>) -> Result<File> {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
    let file = directory::open_beneath(sandbox, OsStr::new(NAME), flags, 0o600, Lookup::BeneathNoLinks)
        .map(File::from)
        .failed("make", NAME)?;
    // Its page exists from now on, and is charged to whoever writes here.
    file.write_all_at(b"{}", 0).failed("write", NAME)?;
    Ok(file)
}

/// When a process was started, in ticks since the host's boot; `None` when it is gone or only a zombie.
pub fn start_time_ticks(pid: i32) -> Option<u64> {
    parse_start_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in parentheses may hold anything, so fields are counted from the last one.
fn parse_start_time(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn a_process_name_cannot_fake_its_start_time() {
        let stat = "42 (a) S 1) R 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 777 2 3";
        assert_eq!(parse_start_time(stat), Some(777));
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let stat = "42 (a) Z 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 777 2 3";
        assert_eq!(parse_start_time(stat), None);
    }

    #[test]
    fn a_record_is_written_again_in_place_whether_it_grows_or_shrinks() {
        let directory = std::env::temp_dir().join(format!("isola-record-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let file = create_blank(directory::open(&directory).unwrap().as_fd()).unwrap();
        let mut record = BootRecord {
            sandbox_id: "a1".into(),
            uid_base: 0,
            cgroups: Placement::default(),
            layer: Layer::Directory("/state/sandboxes/a1/layer".into()),
            pid: None,
            start_time_ticks: None,
        };
        for pid in [None, Some(2_000_000_000), Some(7)] {
            (record.pid, record.start_time_ticks) = (pid, pid.map(|pid| pid as u64));
            record.write(&file).unwrap();
            assert_eq!(BootRecord::read(&directory), Some(record.clone()));
        }
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let record = BootRecord {
            sandbox_id: "a1".into(),
            uid_base: 0x7000_0000,
            cgroups: Placement::default(),
            layer: Layer::Subvolume("/state/layers/a1".into()),
            pid: Some(7),
            start_time_ticks: Some(9),
        };
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<BootRecord>(&text).unwrap(), record);
    }
}
