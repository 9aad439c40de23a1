//! What subscriptions are told, and how long they last.
