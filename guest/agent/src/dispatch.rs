// SPDX-License-Identifier: Apache-2.0
use isola_wire::agent::{AgentInfo, op};
use isola_wire::{Failure, GENERATION, Operation, code, parse};

use crate::agent::{Agent, VERSION};

impl Agent {
    /// Answers a request, now or when its operation has got there.
    pub fn dispatch(&mut self, id: u32, payload: &[u8]) {
        if let Err(failure) = self.operate(id, payload) {
            self.links.fail(id, &failure);
        }
    }

    fn operate(&mut self, id: u32, payload: &[u8]) -> Result<(), Failure> {
        let operation: Operation<'_> = serde_json::from_slice(payload)
            .map_err(|error| Failure::new(code::REQUEST_INVALID, format!("parse request: {error}")))?;
        let op = operation.op.as_ref();
        match op {
            op::INFO => {
                let info = self.info();
                self.links.succeed(id, &info);
                return Ok(());
            }
            op::PERSONALISE => {
                let result = self.personalise(&parse(payload)?);
                self.answer(id, result);
                return Ok(());
            }
            _ => {}
        }
        if self.identity.is_none() {
            let message = format!("{op}: the sandbox is a blank");
            return Err(Failure::new(code::SANDBOX_NOT_PERSONALISED, message));
        }
        match op {
            op::PROCESS_START => self.start_process(id, parse(payload)?),
            op::PROCESS_SIGNAL => {
                let result = self.signal_process(&parse(payload)?);
                self.answer(id, result);
                Ok(())
            }
            op::PROCESS_RESIZE => {
                let result = self.resize_process(&parse(payload)?);
                self.answer(id, result);
                Ok(())
            }
            op::PROCESS_LIST => {
                let list = self.list_processes();
                self.links.succeed(id, &list);
                Ok(())
            }
            _ => match crate::file::Task::parse(op, payload)? {
                Some(task) => self.start_file(id, task),
                None => Err(Failure::new(code::REQUEST_UNKNOWN_OPERATION, format!("{op}: unknown operation"))),
            },
        }
    }

    fn info(&self) -> AgentInfo {
        AgentInfo {
            version: VERSION.to_owned(),
            generation: GENERATION,
            personalised: self.identity.is_some(),
            processes: self.processes.running_count() as u32,
        }
    }
}
