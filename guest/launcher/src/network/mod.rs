// SPDX-License-Identifier: Apache-2.0
//! Network namespaces, made ahead: they are the one kind that costs, and cost more the more there are.

mod maker;
mod pool;

pub use maker::make_one;
pub use pool::NetworkPool;
