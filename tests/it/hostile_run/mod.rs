//! Runs among hostile things: secrets that want out, text that wants to be more than text, journals
//! and directories that are not what they seem, and nobody to ask.

mod inert;
mod journals;
mod nobody;
mod secrets;
mod told;
