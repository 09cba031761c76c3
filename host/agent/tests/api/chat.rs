//! The chat, by the program that the example `desk` is: keystroke by keystroke in a terminal, and through pipes.

mod catalog;
mod desk;
mod pipe;
mod terminal;
mod tmux;
