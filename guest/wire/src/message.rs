// SPDX-License-Identifier: Apache-2.0
use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::code;
use crate::failure::Failure;

/// The `op` of a request. The parameters lie flat beside it and are parsed by `parse` once the
/// operation is known.
#[derive(Debug, Deserialize)]
pub struct Operation<'a> {
    #[serde(borrow)]
    pub op: Cow<'a, str>,
}

#[derive(Serialize)]
struct Request<'a, T: Serialize> {
    op: &'a str,
    #[serde(flatten)]
    parameters: &'a T,
}

/// The payload of a request, as a host sends it.
pub fn request_payload<'a, T: Serialize>(op: &'a str, parameters: &'a T) -> impl Serialize + 'a {
    Request { op, parameters }
}

/// Parses a request's parameters; what does not fit is `request.invalid`.
pub fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(payload)
        .map_err(|error| Failure::new(code::REQUEST_INVALID, format!("parse request: {error}")))
}

#[derive(Serialize)]
struct Success<'a, T: Serialize> {
    ok: bool,
    #[serde(flatten)]
    result: &'a T,
}

#[derive(Serialize)]
struct Failed<'a> {
    ok: bool,
    error: &'a Failure,
}

/// The payload of a response to an operation that succeeded: `{"ok":true, ...result}`.
pub fn success_payload<T: Serialize>(result: &T) -> impl Serialize + '_ {
    Success { ok: true, result }
}

/// The payload of a response to an operation that failed.
pub fn failure_payload(error: &Failure) -> impl Serialize + '_ {
    Failed { ok: false, error }
}
