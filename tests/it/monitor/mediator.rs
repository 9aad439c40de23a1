//! The monitor and the mediator that tells it whom to watch, and is told by it.
