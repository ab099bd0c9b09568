// SPDX-License-Identifier: Apache-2.0
//! The only place with `unsafe`: what rustix has no safe form of.
#![allow(unsafe_code)]

pub mod allocator;
pub mod fd;
pub mod fs_identity;
pub mod launch;
pub mod seccomp;
pub mod signal;
