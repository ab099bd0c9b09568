// SPDX-License-Identifier: Apache-2.0
use crate::error::{LauncherError, Result};
use crate::layer::{UPPERS, WORKS};
use isola_wire::agent::Users;
use isola_wire::launcher::RootfsStack;
use std::path::{Component, Path, PathBuf};

/// overlayfs itself refuses more.
const MOST_LOWERS: usize = 500;
/// `mount` takes its options in one page.
const LONGEST_OPTIONS_BYTES: usize = 4095;

/// Which mounts a sandbox gets, as names in the stage. Pure: decided once, before anything is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountPlan {
    /// Read-only directories of the host, staged as `0`, `1`, ... in this order.
    pub lowers: Vec<PathBuf>,
    pub binds: Vec<BindPlan>,
    pub root_options: String,
    pub usr_options: Option<String>,
    /// devpts wants a group that exists inside.
    pub terminal_group: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindPlan {
    pub source: PathBuf,
    /// Relative to the sandbox's root.
    pub target: PathBuf,
    pub readonly: bool,
}

const GROUP_TTY: u32 = 5;

impl MountPlan {
    pub fn new(rootfs: &RootfsStack, users: Users) -> Result<Self> {
        let usr_lowers = rootfs.usr.as_ref().map_or(&[][..], |stack| &stack.lowers);
        let lowers: Vec<PathBuf> =
            rootfs.root.lowers.iter().chain(usr_lowers).map(|path| absolute(path)).collect::<Result<_>>()?;
        let root_count = rootfs.root.lowers.len();
        Ok(Self {
            root_options: overlay_options(0..root_count, 0, rootfs.volatile)?,
            usr_options: match usr_lowers {
                [] => None,
                _ => Some(overlay_options(root_count..lowers.len(), 1, rootfs.volatile)?),
            },
            lowers,
            binds: rootfs
                .binds
                .iter()
                .map(|bind| {
                    Ok(BindPlan {
                        source: absolute(&bind.source)?,
                        target: below_root(&bind.target)?,
                        readonly: bind.readonly,
                    })
                })
                .collect::<Result<_>>()?,
            terminal_group: (users == Users::Range).then_some(GROUP_TTY),
        })
    }
}

/// `userxattr`: the only form of overlay metadata that a user namespace may write, used everywhere so that
/// a layer can move between hosts. The names are relative to the stage and short: 500 of them fit a page.
fn overlay_options(lowers: std::ops::Range<usize>, layer: usize, volatile: bool) -> Result<String> {
    if lowers.is_empty() || lowers.len() > MOST_LOWERS {
        return Err(LauncherError::request(format!(
            "an overlay needs 1 to {MOST_LOWERS} lower directories, not {}",
            lowers.len()
        )));
    }
    let names: Vec<String> = lowers.map(|index| index.to_string()).collect();
    let options = format!(
        "lowerdir={},upperdir=layer/{},workdir=layer/{},userxattr{}",
        names.join(":"),
        UPPERS[layer],
        WORKS[layer],
        if volatile { ",volatile" } else { "" }
    );
    if options.len() > LONGEST_OPTIONS_BYTES {
        return Err(LauncherError::request("the overlay's options do not fit a page: use fewer lower directories"));
    }
    Ok(options)
}

fn absolute(path: &str) -> Result<PathBuf> {
    let fits = path.starts_with('/') && is_plain(Path::new(path)) && !path.contains('\0');
    if fits {
        Ok(path.into())
    } else {
        Err(LauncherError::request(format!("path {path:?} must be absolute, without . and ..")))
    }
}

fn below_root(path: &str) -> Result<PathBuf> {
    let relative = absolute(path)?.strip_prefix("/").map(Path::to_owned).unwrap_or_default();
    if relative.as_os_str().is_empty() {
        return Err(LauncherError::request("a bind cannot replace the root of the sandbox"));
    }
    Ok(relative)
}

fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use isola_wire::launcher::{Bind, Stack};

    fn rootfs(root: &[&str], usr: Option<&[&str]>) -> RootfsStack {
        let stack = |paths: &[&str]| Stack { lowers: paths.iter().map(|path| (*path).to_owned()).collect() };
        RootfsStack { root: stack(root), usr: usr.map(stack), binds: vec![], volatile: false }
    }

    #[test]
    fn both_overlays_share_one_layer() {
        let plan = MountPlan::new(&rootfs(&["/t/skeleton"], Some(&["/t/mask", "/usr"])), Users::Range).unwrap();
        assert_eq!(plan.lowers, ["/t/skeleton", "/t/mask", "/usr"].map(PathBuf::from));
        assert_eq!(plan.root_options, "lowerdir=0,upperdir=layer/root,workdir=layer/work-root,userxattr");
        let usr = "lowerdir=1:2,upperdir=layer/usr,workdir=layer/work-usr,userxattr";
        assert_eq!(plan.usr_options.as_deref(), Some(usr));
        assert_eq!(plan.terminal_group, Some(5));
    }

    #[test]
    fn flushing_is_left_out_only_when_asked() {
        let mut stack = rootfs(&["/a"], None);
        stack.volatile = true;
        let plan = MountPlan::new(&stack, Users::Single).unwrap();
        assert!(plan.root_options.ends_with(",userxattr,volatile"));
        assert_eq!((plan.usr_options, plan.terminal_group), (None, None));
    }

    #[test]
    fn five_hundred_lowers_fit_and_one_more_does_not() {
        let paths: Vec<String> = (0..501).map(|index| format!("/very/long/path/to/layer/{index}")).collect();
        let all: Vec<&str> = paths.iter().map(String::as_str).collect();
        assert!(MountPlan::new(&rootfs(&all[..500], None), Users::Range).is_ok());
        assert!(MountPlan::new(&rootfs(&all, None), Users::Range).is_err());
        assert!(MountPlan::new(&rootfs(&[], None), Users::Range).is_err());
    }

    #[test]
    fn paths_that_climb_are_refused() {
        for bad in ["relative", "/a/../b", "", "/a/./../.."] {
            assert!(MountPlan::new(&rootfs(&[bad], None), Users::Range).is_err(), "{bad:?} must be refused");
        }
        let mut stack = rootfs(&["/a"], None);
        for target in ["/", "/opt/../.."] {
            stack.binds = vec![Bind { source: "/opt".into(), target: target.into(), readonly: true }];
            assert!(MountPlan::new(&stack, Users::Range).is_err(), "{target:?} must be refused");
        }
    }
}
