// SPDX-License-Identifier: Apache-2.0
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a launcher could leave behind on the host, counted or listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    pub mounts: usize,
    pub cgroups: Vec<String>,
    pub processes: BTreeSet<String>,
    pub files: BTreeSet<String>,
}

impl Footprint {
    /// Looks at the host. `state` is the launcher's directory; only processes with its name or path count.
    pub fn of(state: &Path) -> Self {
        Self { mounts: mounts(state), cgroups: cgroups(state), processes: processes(state), files: files(state) }
    }

    /// Waits until nothing is left that was not there before: the kernel lets go of some things late.
    pub fn wait_until_equal(state: &Path, before: &Self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let now = Self::of(state);
            if now == *before {
                return;
            }
            assert!(Instant::now() < deadline, "left behind:\nbefore {before:#?}\nnow {now:#?}");
            sleep(Duration::from_millis(50));
        }
    }
}

fn mounts(state: &Path) -> usize {
    let own = state.display().to_string();
    fs::read_to_string("/proc/self/mountinfo").unwrap_or_default().lines().filter(|line| line.contains(&own)).count()
}

/// The launcher's directories in every hierarchy, with everything below.
fn cgroups(state: &Path) -> Vec<String> {
    let mut found = Vec::new();
    collect(Path::new("/sys/fs/cgroup"), &tag(state), 0, &mut found);
    found.sort();
    found
}

fn collect(directory: &Path, tag: &str, depth: usize, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if depth < 8 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let path = entry.path();
            if path.display().to_string().contains(tag) {
                found.push(path.display().to_string());
            }
            collect(&path, tag, depth + 1, found);
        }
    }
}

/// How the launcher names its cgroups: FNV-1a of the directory's path.
fn tag(state: &Path) -> String {
    let hash = state
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    format!("isola-{hash:08x}")
}

fn processes(state: &Path) -> BTreeSet<String> {
    let directory = state.parent().unwrap_or(state).display().to_string();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let command = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        let executable = fs::read_link(entry.path().join("exe")).map(|path| path.display().to_string());
        let is_ours = executable.as_ref().is_ok_and(|path| path.starts_with(&directory));
        if name.bytes().all(|byte| byte.is_ascii_digit()) && (is_ours || command.contains(&directory)) {
            found.insert(name);
        }
    }
    found
}

fn files(state: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for directory in ["", "sandboxes", "trash", "layers", "exits"] {
        for entry in fs::read_dir(state.join(directory)).into_iter().flatten().flatten() {
            found.insert(format!("{directory}/{}", entry.file_name().to_string_lossy()));
        }
    }
    found
}
