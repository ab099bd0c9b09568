// SPDX-License-Identifier: Apache-2.0
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    V1,
    V2,
}

/// The controllers that Isola uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Controller {
    Memory,
    Cpu,
    Pids,
    /// v1 only: v2 can freeze without a controller.
    Freezer,
}

impl Controller {
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Pids => "pids",
            Self::Freezer => "freezer",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Memory, Self::Cpu, Self::Pids, Self::Freezer].into_iter().find(|controller| controller.name() == name)
    }
}

/// A directory in a mounted hierarchy, with the controllers that can be used there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    pub version: Version,
    pub controllers: Vec<Controller>,
    pub directory: PathBuf,
}

impl Hierarchy {
    pub fn has(&self, controller: Controller) -> bool {
        self.controllers.contains(&controller)
    }

    /// The same hierarchy at a directory below.
    pub fn below(&self, name: &str) -> Self {
        Self { directory: self.directory.join(name), ..self.clone() }
    }
}
