// SPDX-License-Identifier: Apache-2.0
use super::Probe;
use super::attempt::{Check, inside, user_namespace_of};
use super::namespaces::PROBE_IDS;
use crate::error::{Failed, LauncherError, Result};
use crate::layer::Layer;
use crate::mount::{MountPlan, make_stage, mount_root_overlay, open_sources};
use crate::sys::{mount, namespace};
use isola_wire::launcher::{RootfsStack, Stack};
use std::fs;
use std::os::fd::AsFd;

impl Probe<'_> {
    pub(super) fn filesystem_checks(&self) -> Vec<Check> {
        vec![Check::attempt("overlay", || self.overlay()), Check::attempt("idmapped-mount", || self.id_mapped_mount())]
    }

    /// The whole path of a root filesystem: staged, id-mapped as root, written to through an overlay.
    fn overlay(&self) -> Result<String> {
        let [lower, layer, scratch] = ["lower", "layer", "overlay-stage"].map(|name| self.scratch.join(name));
        for directory in [&lower, &scratch] {
            fs::create_dir(directory).failed_on("make directory", directory)?;
        }
        fs::write(lower.join("below"), "below").failed_on("write to", &lower)?;
        let layer = Layer::Directory(layer).create()?;
        let stack = RootfsStack {
            root: Stack { lowers: vec![lower.display().to_string()] },
            usr: None,
            binds: vec![],
            volatile: true,
        };
        let plan = MountPlan::new(&stack, self.identity.users)?;
        let staged = open_sources(&plan, layer.as_fd())?;
        let stage = make_stage(&scratch, self.identity.rootless)?;
        namespace::enter(stage.namespace(), namespace::MOUNT).failed("enter", "stage")?;
        namespace::unshare(namespace::MOUNT).failed("unshare", "mount namespace")?;
        let attach = |pid: i32| {
            if !self.identity.has_own_ids() {
                return staged.attach(&plan, None);
            }
            staged.attach(&plan, Some(user_namespace_of(pid)?.as_fd()))
        };
        inside(self.identity, 0, PROBE_IDS, &attach, || {
            namespace::unshare(namespace::MOUNT).failed("unshare", "mount namespace")?;
            let root = mount_root_overlay(&plan)?;
            fs::remove_file(root.join("below")).failed("remove from overlay", "a file of the lower directory")?;
            fs::write(root.join("above"), "above").failed("write to overlay", "a new file")?;
            Ok("mounted inside a user namespace, written to and deleted from".into())
        })
    }

    fn id_mapped_mount(&self) -> Result<String> {
        if !self.identity.has_own_ids() {
            return Err(LauncherError::step(
                "map ids of",
                "mounts",
                "only root can; without root the caller's ids are used",
            )
            .hint("nothing is missing: run as root to have the files of a sandbox owned by ids of its own"));
        }
        let map = |pid: i32| {
            let tree = mount::clone_tree(&self.scratch).failed_on("clone mount of", &self.scratch)?;
            mount::set_attributes(tree.as_fd(), mount::READ_ONLY, Some(user_namespace_of(pid)?.as_fd()))
                .failed_on("map ids of", &self.scratch)
                .map_err(|error| {
                    error.hint("keep the state directory on ext4, xfs, btrfs or tmpfs, with Linux 5.19 or later")
                })
        };
        inside(self.identity, 0, PROBE_IDS, &map, || Ok("ids on disk appear as the sandbox's own".into()))
    }
}
