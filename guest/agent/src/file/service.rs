// SPDX-License-Identifier: Apache-2.0
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use isola_wire::{Failure, HEADER_BYTES, ReceiveWindow, SendWindow, channel, code};
use rustix::io::Errno;

use super::caller::{Caller, Exchange, Note, Notes};
use super::pool::{Job, Pool};
use super::task::Task;
use crate::agent::Agent;
use crate::link::ProtocolError;
use crate::streams::Stream;

/// The event loop's side of file operations.
pub struct Files {
    pool: Arc<Pool>,
    notes: Arc<Notes>,
    table: BTreeMap<u32, Operation>,
    /// Downloads that wait for room on the link.
    waiting: Vec<u32>,
    next_key: u32,
}

struct Operation {
    /// None once its link is gone or the host has its answer.
    id: Option<u32>,
    exchange: Arc<Exchange>,
    outgoing: VecDeque<Outgoing>,
    send: SendWindow,
    receive: ReceiveWindow,
    takes_input: bool,
    waits_for_room: bool,
    done: bool,
}

enum Outgoing {
    /// A chunk with the space of a header, and how many bytes of it are sent.
    Data(Vec<u8>, usize),
    End(Option<Failure>),
}

impl Files {
    pub fn new() -> Result<Self, Errno> {
        let notes = Arc::new(Notes::new()?);
        Ok(Self { pool: Arc::default(), notes, table: BTreeMap::new(), waiting: Vec::new(), next_key: 0 })
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.notes.descriptor()
    }
}

impl Agent {
    pub fn start_file(&mut self, id: u32, task: Task) -> Result<(), Failure> {
        let identity = self.identity.as_ref().ok_or_else(|| Failure::new(code::SANDBOX_NOT_PERSONALISED, ""))?;
        let account = self.accounts.find(self.users, task.user().unwrap_or(&identity.user))?;
        self.files.next_key += 1;
        let key = self.files.next_key;
        let exchange = Arc::new(Exchange::default());
        let caller = Caller::new(key, Arc::clone(&exchange), Arc::clone(&self.files.notes));
        let takes_input = task.takes_input();
        let job = Job { task, workdir: identity.workdir.clone(), runner: account.runner, caller };
        self.files.pool.submit(job)?;
        let operation = Operation {
            id: Some(id),
            exchange,
            outgoing: VecDeque::new(),
            send: SendWindow::default(),
            receive: ReceiveWindow::default(),
            takes_input,
            waits_for_room: false,
            done: false,
        };
        self.files.table.insert(key, operation);
        self.streams.insert(id, Stream::File(key));
        Ok(())
    }

    /// Workers have told something.
    pub fn files_ready(&mut self) {
        for (key, note) in self.files.notes.take() {
            let Some(operation) = self.files.table.get_mut(&key) else { continue };
            match (note, operation.id) {
                (Note::Response(payload), Some(id)) => self.links.respond(id, &payload),
                (Note::Data(chunk), Some(_)) => operation.outgoing.push_back(Outgoing::Data(chunk, 0)),
                (Note::Data(chunk), None) => operation.exchange.delivered(chunk),
                (Note::End(failure), Some(_)) => operation.outgoing.push_back(Outgoing::End(failure)),
                (Note::Consumed(bytes), Some(id)) => {
                    if let Some(grant) = operation.receive.consume(bytes) {
                        self.links.grant(id, channel::INPUT, grant);
                    }
                }
                (Note::Done, _) => operation.done = true,
                (Note::Response(_) | Note::End(_) | Note::Consumed(_), None) => {}
            }
            self.send_file(key);
        }
    }

    /// Sends what credit and the link allow; forgets the operation after its last frame.
    fn send_file(&mut self, key: u32) {
        loop {
            let has_room = self.links.has_data_room();
            let Some(operation) = self.files.table.get_mut(&key) else { return };
            let (Some(id), Some(next)) = (operation.id, operation.outgoing.front_mut()) else { break };
            match next {
                Outgoing::Data(chunk, sent) => {
                    let rest = chunk.len() - HEADER_BYTES - *sent;
                    let count = rest.min(usize::try_from(operation.send.available_bytes()).unwrap_or(rest));
                    if count == 0 && rest > 0 {
                        return;
                    }
                    if !has_room {
                        if !operation.waits_for_room {
                            operation.waits_for_room = true;
                            self.files.waiting.push(key);
                        }
                        return;
                    }
                    operation.send.spend(count as u64);
                    // The header is written over bytes that are sent already.
                    self.links.data(id, channel::OUTPUT, 0, &mut chunk[*sent..*sent + HEADER_BYTES + count]);
                    *sent += count;
                    if count == rest
                        && let Some(Outgoing::Data(chunk, _)) = operation.outgoing.pop_front()
                    {
                        operation.exchange.delivered(chunk);
                    }
                }
                Outgoing::End(failure) => {
                    self.links.end(id, channel::OUTPUT, failure.as_ref());
                    operation.outgoing.pop_front();
                }
            }
        }
        let over = self.files.table.get(&key).is_some_and(|operation| operation.done);
        if over && let Some(Operation { id: Some(id), .. }) = self.files.table.remove(&key) {
            self.streams.remove(&id);
        }
    }

    pub fn file_input(&mut self, key: u32, payload: &[u8]) -> Result<(), ProtocolError> {
        let Some(operation) = self.files.table.get_mut(&key).filter(|one| one.takes_input) else { return Ok(()) };
        if !operation.receive.receive(payload.len() as u64) {
            return Err(ProtocolError);
        }
        operation.exchange.add_input(payload.to_vec());
        Ok(())
    }

    pub fn file_input_end(&mut self, key: u32) {
        if let Some(operation) = self.files.table.get_mut(&key) {
            operation.takes_input = false;
            operation.exchange.end_input();
        }
    }

    pub fn file_credit(&mut self, key: u32, bytes: u32) {
        if let Some(operation) = self.files.table.get_mut(&key) {
            operation.send.grant(bytes);
            self.send_file(key);
        }
    }

    pub fn resume_files(&mut self) {
        for key in std::mem::take(&mut self.files.waiting) {
            if let Some(operation) = self.files.table.get_mut(&key) {
                operation.waits_for_room = false;
            }
            self.send_file(key);
        }
    }

    /// The host no longer wants it; the worker answers that it was cancelled.
    pub fn cancel_file(&mut self, key: u32) {
        let Some(operation) = self.files.table.get_mut(&key) else { return };
        operation.exchange.cancel();
        drop_chunks(operation);
        self.send_file(key);
    }

    /// There is nobody to answer.
    pub fn abandon_file(&mut self, key: u32) {
        let Some(operation) = self.files.table.get_mut(&key) else { return };
        operation.exchange.cancel();
        operation.id = None;
        drop_chunks(operation);
        self.send_file(key);
    }
}

fn drop_chunks(operation: &mut Operation) {
    for outgoing in std::mem::take(&mut operation.outgoing) {
        match outgoing {
            Outgoing::Data(chunk, _) => operation.exchange.delivered(chunk),
            Outgoing::End(failure) => operation.outgoing.push_back(Outgoing::End(failure)),
        }
    }
}
