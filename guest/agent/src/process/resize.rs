// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::{Empty, ProcessResize};
use isola_wire::{Failure, code};

use super::input::Input;
use super::streams::resize;
use crate::agent::Agent;

impl Agent {
    pub fn resize_process(&mut self, wish: &ProcessResize) -> Result<Empty, Failure> {
        let id = &wish.process_id;
        let (_, process) = self
            .processes
            .find(id)
            .filter(|(_, process)| process.status.is_none())
            .ok_or_else(|| Failure::new(code::PROCESS_NOT_FOUND, format!("resize process {id}: not found")))?;
        let output = process.outputs[0].as_ref().and_then(|output| output.fd.as_ref());
        let master = output.or_else(|| process.input.as_ref().and_then(Input::terminal)).filter(|_| process.terminal);
        let no_tty = |why: &str| Failure::new(code::PROCESS_NO_TTY, format!("resize process {id}: {why}"));
        let master = master.ok_or_else(|| no_tty("it has no terminal"))?;
        resize(master, wish.size).map_err(|error| no_tty(&error.to_string()))?;
        Ok(Empty {})
    }
}
