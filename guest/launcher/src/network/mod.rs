// SPDX-License-Identifier: Apache-2.0
//! Network namespaces, made ahead: they are the one kind that costs, and cost more the more there are. And the one
//! way out of them, which leads to the relay.

mod entrance;
mod maker;
mod pool;
mod redirect;
mod relay_process;

pub use entrance::open_entrance;
pub use maker::make_one;
pub use pool::NetworkPool;
pub use redirect::redirect_all;
pub use relay_process::RelayProcess;
