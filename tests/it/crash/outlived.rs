//! Children that outlive us.
