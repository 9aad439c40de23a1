//! Calendar items: reading them.

mod folders;
mod people;
mod read;
mod read_views;
