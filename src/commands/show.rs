//! `rollback show`: a runbook as it would be run, without looking at the world.
