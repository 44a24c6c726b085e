//! The domain's data: plain structs without behaviour beyond their own validity.

pub mod alert;
pub mod audit;
pub mod budget;
pub mod calibration;
pub mod condition;
pub mod delivery;
pub mod erasure;
pub mod explanation;
pub mod interaction;
pub mod key;
pub mod matcher;
pub mod monitor;
pub mod outcome;
pub mod preparation;
pub mod quality;
pub mod receiver;
pub mod reference;
pub mod report;
pub mod retrain;
pub mod routing;
pub mod rule;
pub mod screening;
pub mod signals;
pub mod stream;
pub mod vector;
pub mod verdict;
