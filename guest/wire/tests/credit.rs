// SPDX-License-Identifier: Apache-2.0
use isola_wire::{INITIAL_CREDIT_BYTES, ReceiveWindow, SendWindow};

#[test]
fn a_sender_within_its_credit_is_accepted_to_the_last_byte() {
    let mut window = ReceiveWindow::default();
    assert!(window.receive(INITIAL_CREDIT_BYTES));
    assert!(!window.receive(1), "one byte more is an overrun");
}

#[test]
fn credit_comes_back_in_halves_of_the_window() {
    let mut window = ReceiveWindow::default();
    assert!(window.receive(INITIAL_CREDIT_BYTES));
    assert_eq!(window.consume(INITIAL_CREDIT_BYTES / 2 - 1), None);
    assert_eq!(window.consume(1), Some((INITIAL_CREDIT_BYTES / 2) as u32));
    assert!(window.receive(INITIAL_CREDIT_BYTES / 2));
    assert!(!window.receive(1));
}

#[test]
fn a_hostile_grant_cannot_overflow_the_window() {
    let mut window = SendWindow::default();
    for _ in 0..10 {
        window.grant(u32::MAX);
    }
    window.spend(window.available_bytes());
    assert_eq!(window.available_bytes(), 0);
}
